"""`trueup connect`: looks where a bot keeps its orders, and says what a configuration of it would be. Reads only."""
