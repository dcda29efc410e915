"""Old runs and their snapshots go; the books and the order log, with what corrected them, stay."""

from trueup.model.plan import Alert
from trueup.model.vocabulary import Status
from trueup.ports.records import AlertRecord
from trueup.testing.ledgers.bench import Bench


def test_runs_go_by_age_but_the_newest_stay(bench: Bench) -> None:
    bench.record_order()
    run_ids = []
    for filled in ("1", "2", "3", "4"):
        bench.settle(3600)
        found = {"status": Status.PARTIALLY_FILLED, "filled_qty": filled, "filled_avg_price": "1000"}
        run_ids.append(bench.commit(bench.plan([bench.venue_order(**found)])).run_id)
    bench.ledger.journal.mark_delivered(bench.ledger.journal.pending_notifications(10)[:1])
    bench.settle(3600)
    assert bench.ledger.journal.purge(older_than_s=2.5 * 3600, keep_last=3)["runs"] == 1
    assert [one.run_id for one in bench.ledger.journal.list_runs()] == run_ids[:0:-1]
    books = {
        table: rows for table, rows in bench.contents().items() if table in ("orders", "fills", "order_log")
    }
    gone = bench.ledger.journal.purge(older_than_s=0.5 * 3600, keep_last=1)
    assert (gone["runs"], gone["outbox"]) == (2, 1)
    assert [one.run_id for one in bench.ledger.journal.list_runs()] == run_ids[3:]
    assert {one["run_id"] for one in bench.ledger.export("corrections")} == set(run_ids)
    assert len(bench.ledger.journal.pending_notifications(10)) == 3
    assert {table: rows for table, rows in bench.contents().items() if table in books} == books
    bench.assert_log_is_true()


def test_an_alert_that_is_over_is_forgotten_and_one_that_stands_is_not(bench: Bench) -> None:
    def told(key: str, *, stands: bool) -> AlertRecord:
        alert = Alert(type="T", severity="ERROR", message=key, dedupe_key=key)
        return AlertRecord(profile_id="mom-1", alert=alert, raised_at=bench.ledger.now(), stands=stands)

    bench.ledger.journal.keep_alerts([told("over", stands=False), told("stands", stands=True)])
    bench.clock.pass_s(7200)
    bench.ledger.journal.keep_alerts([told("new", stands=False)])
    assert bench.ledger.journal.purge(older_than_s=3600, keep_last=0)["alerts"] == 1
    assert [one.alert.dedupe_key for one in bench.ledger.journal.list_alerts()] == ["stands", "new"]
