"""The pages, and where the provider calls."""

from django.urls import path

from guestbook import views

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in", views.sign_in, name="sign_in"),
    path("callback", views.callback),
    path("sign-out", views.sign_out, name="sign_out"),
    path("signed-out", views.signed_out),
    path("backchannel-logout", views.backchannel_logout),
]
