# Everything a fresh machine needs is Python 3.11, make and a package registry.
UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv),.tools/bin/uv)
RUN := $(UV) run --frozen --no-sync
NODE_MODULES := containers/faceapi/node_modules/.mediaflow-lock.json
AWS_TOOLS := .tools/aws/.synced
CHECKED := flows tasks containers deployments notebooks tests benchmarks examples
# Files side by side, each one's tests in their order; more than four would want more than 16 GiB. Slow tests
# wait for servers as much as they compute: four of them keep two cores busy.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile
SLOW_SIDE_BY_SIDE := -n 4 --dist loadfile --no-loadscope-reorder
export UV_PYTHON_DOWNLOADS := never
# Idle threads that spin would take the cores that other processes need.
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := setup
.PHONY: setup models demo test fast soak lint format audit images lab serve deploy bench clean help

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

setup: .venv/.synced $(NODE_MODULES) ## install everything the lock names

.tools/bin/uv:
	@$(or $(shell command -v python3.11),python3) -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.synced: pyproject.toml uv.lock | $(UV)
	@echo "Installing the packages of uv.lock (8 GB; a few minutes the first time)"
	@$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

$(NODE_MODULES): containers/faceapi/package-lock.json .venv/.synced
	@$(RUN) python -m containers.faceapi.install
	@touch $@

# checkov pins an old boto3 and AWS's command line its own: both live beside the lock, from a list of their own.
$(AWS_TOOLS): deployments/aws/tools.txt .venv/.synced
	@$(UV) venv --quiet --clear --python .venv/bin/python .tools/aws
	@$(UV) pip install --quiet --python .tools/aws/bin/python --no-deps -r deployments/aws/tools.txt
	@touch $@

models: setup ## the starter models, checked, into the model store
	@$(RUN) python -m flows.models fetch --profile starter

demo: models ## analyse a real sample video
	@$(RUN) python -m flows.demo

lint: .venv/.synced ## style, formatting and types
	@$(RUN) ruff check --quiet $(CHECKED)
	@$(RUN) ruff format --quiet --check $(CHECKED)
	@$(RUN) basedpyright --level error

format: .venv/.synced ## style that can be mended, mended
	@$(RUN) ruff check --quiet --fix $(CHECKED)
	@$(RUN) ruff format --quiet $(CHECKED)

audit: .venv/.synced ## known holes in what the locks pin, but for those that deployments/audit answers
	@UV=$(UV) $(RUN) python -m deployments.audit

fast: models $(AWS_TOOLS) ## the tests that load no model
	@$(RUN) pytest -q $(SIDE_BY_SIDE) -m "not slow and not soak"

test: lint models $(AWS_TOOLS) ## everything; fast tests first
	@$(RUN) pytest -q $(SIDE_BY_SIDE) -m "not slow and not soak"
	@$(RUN) pytest -q $(SLOW_SIDE_BY_SIDE) -m "slow and not soak"

soak: models $(AWS_TOOLS) ## long campaigns of random faults
	@$(RUN) pytest -q -m soak

bench: models ## our flow against the upstream libraries one after another
	@$(RUN) python -m benchmarks.main_job

images: .venv/.synced ## build the images with Docker or buildah: IMAGE=NAME VERSION=1.2.3 PUSH=1, all optional
	@$(RUN) python -m deployments.images build $(IMAGE) $(if $(VERSION),--version $(VERSION)) $(if $(PUSH),--push)

lab: models ## JupyterLab with every model in one kernel
	@JUPYTER_CONFIG_PATH=$(CURDIR)/notebooks/jupyter $(RUN) jupyter lab --notebook-dir .

serve: models ## Prefect server, UI and deployments on this machine
	@$(RUN) python -m flows.serve

deploy: .venv/.synced ## register the deployments with the Prefect server; what people set in the UI stays
	@$(RUN) python -m flows.deploy

clean: ## what `setup` and the runs of this folder made; the model store stays
	rm -rf .venv .tools out build containers/faceapi/node_modules
