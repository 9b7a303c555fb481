# A debug build throughout: it is the quickest to make, and `run`, `build` and `test` share it.
FLAGS := --explicit-target-dependency-import-check error

.DEFAULT_GOAL := help
.PHONY: help deps build run test bench lint schema format clean

help: ## List what make can do
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

deps: ## Install the Debian packages that are missing
	@sh .ci/dependencies

build: deps ## Build the command line tool
	@swift build $(FLAGS) --product almanac

run: build ## Run the scheduler on Schedules/, with a Postgres of its own; ARGS="--for 1m"
	@exec .build/debug/almanac run $(ARGS)

# One after the other: many tests block a thread of the few that all Swift tasks of a process share, or
# measure real processes against real time, and two cores cannot do that beside a thousand others.
test: ## Run all tests; ARGS="--filter Name" for some
	@sh .ci/dependencies tests
	@.ci/test $(FLAGS) --disable-xctest --no-parallel $(ARGS)

bench: deps ## Measure, in a release build
	@swift run $(FLAGS) --configuration release AlmanacBench $(ARGS)

lint: ## Check the style
	@swift format lint --strict --parallel --recursive Package.swift Sources Tests

schema: build ## Write the JSON Schema of schedule files anew
	@.build/debug/almanac check --print-schema > Config/schedule.schema.json

format: ## Put the style right
	@swift format format --in-place --parallel --recursive Package.swift Sources Tests

clean: ## Remove what was built; data in .almanac/ stay
	@rm -rf .build
