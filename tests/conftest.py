"""For every test: a slow machine is no failure, so that no example of a property has a time to keep."""

from hypothesis import HealthCheck, settings

settings.register_profile("trueup", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trueup")
