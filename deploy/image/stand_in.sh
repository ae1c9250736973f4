#!/usr/bin/env bash
# A stand-in for the base image python:3.13-slim where no image registry is reached: a minimal Debian 13 with its Python
# 3.13, and this machine's certificates (a company's proxy has its own). For `make test-image`; what you ship is built on the real one.
set -euo pipefail
into=$(mktemp -d)
trap 'rm -rf "$into"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$into" http://deb.debian.org/debian >&2
rm -rf "$into"/var/cache/apt/archives/*.deb "$into"/var/lib/apt/lists/* "$into"/usr/share/{doc,man,locale}
ln -sf python3 "$into/usr/bin/python"
cp /etc/ssl/certs/ca-certificates.crt "$into/etc/ssl/certs/"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' > "$into/etc/pip.conf"
tar -C "$into" -c . | podman import -q - docker.io/library/python:3.13-slim
