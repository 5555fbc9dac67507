"""What nbval compares: text. Pictures, players, tables in HTML and log lines differ between machines."""


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("text/html", "image/svg+xml", "stderr", "application/papermill.record+json")
