// golang.org/x/oauth2 with go-oidc on a device without a browser (RFC 8628). What the device shows is printed; nobody answers here: it polls.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	provider := must(oidc.NewProvider(ctx, os.Getenv("ISSUER")))
	config := oauth2.Config{
		ClientID: os.Getenv("CLIENT_ID"),
		Endpoint: provider.Endpoint(), // how to authenticate is found out by trying, as x/oauth2 does
		Scopes:   []string{oidc.ScopeOpenID, "profile", "notes:read"},
	}
	shown := must(config.DeviceAuth(ctx))
	tell := json.NewEncoder(os.Stdout)
	tell.Encode(shown)
	token, err := config.DeviceAccessToken(ctx, shown)
	if refused, ok := err.(*oauth2.RetrieveError); ok {
		tell.Encode(map[string]any{"error": refused.ErrorCode})
		return
	}
	must(token, err)
	idToken := must(provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, token.Extra("id_token").(string)))
	person := must(provider.UserInfo(ctx, oauth2.StaticTokenSource(token)))
	response := must(config.Client(ctx, token).Get(os.Getenv("API")))
	again := must(config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token())
	tell.Encode(map[string]any{
		"same":      idToken.Subject == person.Subject,
		"api":       response.StatusCode,
		"refreshed": again.AccessToken != token.AccessToken,
	})
}
