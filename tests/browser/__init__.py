"""Tests in a real browser. `python -m tests.browser.chromium` prints the browser that they use."""
