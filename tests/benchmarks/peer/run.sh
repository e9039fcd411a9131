#!/bin/sh
# run.sh PORT: two workers of gunicorn, as the runner starts every Django peer; SPEED=1: as docs/operating.md says under "For speed".
bin=$(dirname "${PEER_PY:-$BENCH_TMP/venv/bin/python}")
if [ -n "$SPEED" ]; then
  exec "$bin/granian" --interface wsgi --http 1 --no-ws --host 127.0.0.1 --port "$1" --workers 2 --blocking-threads "${THREADS:-2}" \
    --runtime-mode st --log-level error wsgi:application
fi
exec "$bin/gunicorn" -w 2 -k gthread --threads 4 -b "127.0.0.1:$1" wsgi:application --log-level error
