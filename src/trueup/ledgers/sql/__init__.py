"""What every SQL database shares: connection protocol, named statements, rows, and the one commit of a run."""
