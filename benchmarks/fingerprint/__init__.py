"""What audio fingerprints find: real recordings, real degradations, and the peers that install by name, in one run."""
