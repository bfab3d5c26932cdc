# The same build as in the workflow, on any machine with Docker:
#
#   docker build --tag dollop .
#   docker run --rm dollop dollop build echo > /tmp/echo.zip
#   docker run --rm --user "$(id -u)" --volume "$PWD:/src" dollop dollop build echo > /tmp/echo.zip
#
# The first run builds the functions that were there when the image was built, the second those of this folder.
ARG IMAGE=python:3.13-slim
# hadolint ignore=DL3006
FROM ${IMAGE}

# Only what changes seldom comes before the sources: an image is built again in seconds.
WORKDIR /opt/dollop
COPY requirements.txt ./
RUN python3 -m venv environment \
    && environment/bin/python -m pip install --no-cache-dir --quiet --disable-pip-version-check \
        --require-hashes --requirement requirements.txt
COPY ci ci
RUN printf '#!/bin/sh\nPYTHONPATH=/opt/dollop exec /opt/dollop/environment/bin/python -P -m ci "$@"\n' \
        > /usr/local/bin/dollop \
    && chmod +x /usr/local/bin/dollop

WORKDIR /src
COPY pipeline.yaml ./
COPY functions functions
# Any user may run it: what uv keeps goes where everybody can write.
ENV HOME=/tmp
CMD ["dollop", "--help"]
