"""Attacks, each as the attacker would try it."""
