"""Who holds a lease."""

from trueup.engine.holder import holder_name, new_holder


def test_a_holder_is_fresh_and_names_its_process() -> None:
    one, other = new_holder(), new_holder()
    assert one != other
    assert holder_name(one) == holder_name(other)
    assert holder_name("a-uuid-alone") == "a-uuid-alone"
