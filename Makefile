.PHONY: install run test lint format ci image clean

install:            ## set up for development
	pip install -e '.[test]'

run:                ## serve the sample pictures
	darkroom serve

test:               ## all tests
	pytest

lint:               ## style and types
	ruff check .
	ruff format --check .
	mypy

format:             ## rewrite in the house style
	ruff check --fix .
	ruff format .

ci:                 ## what the gate runs
	bash .ci/run

image:              ## build the container image
	docker build -t darkroom .

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
