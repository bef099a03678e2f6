"""Bundles for the verifier's tests, written by hand: this package shares no code with `ritornello_verify`."""
