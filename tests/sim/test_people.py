"""What people do to the books in the worlds: every kind of correction, undo of it, and nothing that harms."""

from unittest import mock

from msgspec import structs

from trueup.engine.people.correct import apply_correction
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.vocabulary import PersonCorrectionKind
from trueup.ports.people import PersonCorrection
from trueup.sim.bots import correctors
from trueup.sim.faults import Faults
from trueup.sim.trials.trial import draw_plot, run_trial

SEEDS = range(1, 61)
BUSY = {"person_corrects": 0.2, "person_moves": 0.4, "person_undoes": 0.2}


def test_people_write_every_kind_of_correction_and_take_each_back() -> None:
    written: dict[str, PersonCorrection] = {}

    def write(ledger: SqlLedger, made: PersonCorrection) -> None:
        apply_correction(ledger, made)
        written[made.correction_id] = made

    def undone() -> set[PersonCorrectionKind]:
        return {written[one.undoes].kind for one in written.values() if one.undoes in written}

    with mock.patch.object(correctors, "apply_correction", write):
        for seed in SEEDS:
            plot = draw_plot(seed)
            faults = Faults(**(structs.asdict(plot.faults) | BUSY))
            assert run_trial(structs.replace(plot, faults=faults)).violations == [], seed
            if undone() == set(PersonCorrectionKind):
                break
    assert undone() == set(PersonCorrectionKind)
