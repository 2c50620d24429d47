"""Measurements, as ratios in one run where there is a yardstick. `make bench`; BENCH="--records 100000"."""
