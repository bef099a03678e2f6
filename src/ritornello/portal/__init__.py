"""The portal: pages for people, made on the server, that need no script."""
