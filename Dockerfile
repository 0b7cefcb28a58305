# Backburner as a container: a worker that is nobody in particular, with its home on a volume.
#   docker build -t backburner .
#   docker run -e ANTHROPIC_API_KEY -e TZ=Europe/Berlin -v backburner:/var/lib/backburner backburner
FROM python:3.13-slim AS build

WORKDIR /build
COPY constraints.txt ./
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --upgrade -c constraints.txt pip
COPY . .
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt --build-constraint constraints.txt '.[notify,tables]'

FROM python:3.13-slim

# A number, so that Kubernetes can see that it is not root.
RUN groupadd --gid 10001 backburner \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/backburner --shell /usr/sbin/nologin backburner \
 && install --directory --owner=10001 --group=10001 --mode=700 /var/lib/backburner
COPY --from=build /venv /venv

ENV PATH=/venv/bin:$PATH \
    BACKBURNER_HOME=/var/lib/backburner \
    PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /var/lib/backburner
EXPOSE 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["backburner"]
CMD ["worker", "--json-logs", "--health", "0.0.0.0:9464"]
