"""Values: what the two sides, the snapshot and the plan are made of. Imports nothing else of trueup."""
