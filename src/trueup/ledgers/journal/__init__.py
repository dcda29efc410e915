"""What trueup remembers: leases, runs, breaks, order log, outbox, decisions, alerts."""
