// golang.org/x/oauth2 with go-oidc: discovers, sends the person away with PKCE, exchanges, verifies the ID token, refreshes. Where it sends the person is
// printed; where the person comes back to is read from standard input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"

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
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Endpoint:     provider.Endpoint(), // how to authenticate is found out by trying, as x/oauth2 does
		RedirectURL:  os.Getenv("REDIRECT_URI"),
		Scopes:       []string{oidc.ScopeOpenID, "profile", "groups", oidc.ScopeOfflineAccess},
	}
	verifier := oauth2.GenerateVerifier()
	fmt.Println(config.AuthCodeURL("the state", oidc.Nonce("the nonce"), oauth2.S256ChallengeOption(verifier)))

	line := must(bufio.NewReader(os.Stdin).ReadString('\n'))
	back := must(url.Parse(line[:len(line)-1]))
	token := must(config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier)))
	idToken := must(provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, token.Extra("id_token").(string)))
	person := must(provider.UserInfo(ctx, oauth2.StaticTokenSource(token)))
	var claims struct{ Name string }
	if err := person.Claims(&claims); err != nil {
		log.Fatal(err)
	}

	old := *token
	old.Expiry = time.Now().Add(-time.Hour)
	refreshed := must(config.TokenSource(ctx, &old).Token())
	again := must(config.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshed.RefreshToken}).Token())
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"state":     back.Query().Get("state"),
		"nonce":     idToken.Nonce,
		"same":      idToken.Subject == person.Subject,
		"name":      claims.Name,
		"scope":     token.Extra("scope"),
		"refreshed": refreshed.AccessToken != token.AccessToken && again.AccessToken != refreshed.AccessToken,
	})
}
