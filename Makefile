# demo: the device's whole job, with the run-time dependencies alone. CONTRIBUTING.md lists the others.
# Each sets up what it needs in a virtual environment of its own; all it takes is Python 3.11.

PYTHON ?= python3
PIP_FLAGS ?= --quiet --disable-pip-version-check
# Two files of tests at a time: most of them wait for processes, disks and browsers.
BESIDE ?= -n 2 --dist loadfile
# Where a disk in memory has room, the quick tests write to it: on others they wait for every commit.
IN_MEMORY = $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 {print "/dev/shm"}')
# Each process that a test starts would compile the source again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo serve test test-fast lint page docs api audit bench isolated lowest emulated emulated-x86 clean

demo: .venv-demo/ready
	.venv-demo/bin/scenehash demo

# The demo's tiles in a browser, at http://127.0.0.1:8000, until Ctrl-C.
serve: .venv-demo/serve
	test -d scenehash-demo/store || .venv-demo/bin/scenehash demo
	.venv-demo/bin/scenehash serve --store scenehash-demo/store

test: .venv/ready
	.venv/bin/python -m pytest $(BESIDE)

test-fast: .venv/ready
	PYTEST_DEBUG_TEMPROOT=$(IN_MEMORY) .venv/bin/python -m pytest $(BESIDE) -m "not slow" \
		-o tmp_path_retention_policy=failed

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# The page of `scenehash serve`, of its source in web/. What is built is committed: whoever installs
# scenehash needs no node.
page:
	cd web && npm ci --silent && npm run --silent check && npm run --silent build

# Pages that are made from the source.
docs: api
	.venv/bin/python docs/make_architecture.py
	.venv/bin/scenehash demo --out .venv/demo
	.venv/bin/scenehash search .venv/demo/queries/airplane/airplane01.jpg --store .venv/demo/store -k 6 --sheet docs/query.jpg

api: .venv/ready
	.venv/bin/python docs/make_api.py

# Known security advisories about what is installed.
audit: .venv/ready
	.venv/bin/pip install $(PIP_FLAGS) pip-audit
	.venv/bin/pip-audit --skip-editable

bench: .venv/ready
	.venv/bin/python benchmarks/cold_start.py
	.venv/bin/python benchmarks/search.py --quick
	.venv/bin/python benchmarks/inference.py
	.venv/bin/python benchmarks/stopwatch.py

# The wheel in an environment without extras, as a ground station gets it.
isolated: .venv/ready
	PYTHON=$(PYTHON) bash tests/isolated.sh

# The device's tests with the lowest versions that pyproject.toml allows.
lowest:
	PYTHON=$(PYTHON) bash tests/lowest_versions.sh -m "not slow"

# The installed runtime on emulated processors: 64-bit ARM, and x86 without VNNI.
emulated: emulated-x86
	PYTHON=$(CURDIR)/.venv/bin/python bash tests/arm.sh

emulated-x86: .venv/ready
	PYTHON=$(CURDIR)/.venv/bin/python bash tests/older_x86.sh

.venv-demo/ready: pyproject.toml
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/pip install $(PIP_FLAGS) -c constraints.txt -e .
	touch $@

.venv-demo/serve: .venv-demo/ready
	.venv-demo/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[serve,geo]'
	touch $@

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf .venv .venv-demo dist scenehash-demo
