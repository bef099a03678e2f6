"""The whole loop on real music, for somebody who wants to see it before believing it. Runs the public commands only."""
