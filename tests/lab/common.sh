# shellcheck shell=bash
# What the lab's scripts share: where things are, which addresses belong to this checkout, the names of its hosts.
# Sourced, never run.

set -euo pipefail
umask 022
export LC_ALL=C.UTF-8

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HERE=$ROOT/tests/lab
LAB=${LAB_DIR:-$ROOT/.lab}
SETTINGS=$LAB/settings

die() { printf 'lab: %s\n' "$*" >&2; exit 1; }
say() { [ -n "${LAB_QUIET:-}" ] || printf 'lab: %s\n' "$*" >&2; }

# Ports below 1024 and the ownership of a domain controller's files need root.
need_root() {
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null || die "needs root, or sudo"
  exec sudo --preserve-env=LAB_DIR,LAB_REALM,LAB_SID,LAB_HOST,LAB_QUIET,LAB_NO_SERVER,CHANCERY_BIN "$0" "$@"
}

# Each checkout has a block 127.X.Y.0/24 of its own, by a hash of its path; a lock file settles collisions.
claim_block() {
  local hash x y try lock
  hash=$(printf '%s' "$LAB" | sha256sum)
  for try in $(seq 0 255); do
    x=$((64 + 16#${hash:0:2} % 128)); y=$(((16#${hash:2:2} + try) % 256))
    lock=/tmp/chancery-lab-$x.$y
    if (set -o noclobber; printf '%s\n' "$LAB" >"$lock") 2>/dev/null \
      || [ "$(cat "$lock" 2>/dev/null)" = "$LAB" ] \
      || { [ ! -d "$(cat "$lock" 2>/dev/null)" ] && printf '%s\n' "$LAB" >"$lock"; }; then
      printf '127.%s.%s' "$x" "$y"
      return
    fi
  done
  die "no free loopback block"
}

# The lab's shape is fixed when it is first brought up; later runs read it.
load_settings() {
  # shellcheck source=/dev/null
  [ -e "$SETTINGS" ] && . "$SETTINGS"
  REALM=${REALM:-${LAB_REALM:-CORP.EXAMPLE}}
  SID=${SID:-${LAB_SID:-S-1-5-21-1004336348-1177238915-682003330}}
  DNSDOM=${REALM,,}
  NETBIOS=${REALM%%.*}
  HOST=${HOST:-${LAB_HOST:-sts.$DNSDOM}}
  BLOCK=${BLOCK:-}
  OTHER_REALM=OTHER.EXAMPLE
  OTHER_SID=S-1-5-21-2201541921-300416183-1427212934
  BASE_DN=$(sed 's/^/DC=/; s/\./,DC=/g' <<<"$DNSDOM")
}

save_settings() {
  mkdir -p "$LAB"
  BLOCK=$(claim_block)
  printf 'REALM=%q SID=%q HOST=%q BLOCK=%q\n' "$REALM" "$SID" "$HOST" "$BLOCK" >"$SETTINGS"
}

# Addresses of the block (design: .1 server, .2 DC, .3 HAProxy, .4 Entra simulator, .5 PostgreSQL, .6 second domain,
# .7 second DC of the first domain, .11-.13 nodes, .20 and up relying parties).
address() { printf '%s.%s' "$BLOCK" "$1"; }

# A process is ours when it has a file of the lab open: samba rewrites its command line.
pid_alive() { # PIDFILE
  local pid
  [ -s "$1" ] && pid=$(cat "$1") && kill -0 "$pid" 2>/dev/null \
    && { ls -l "/proc/$pid/fd" 2>/dev/null | grep -qF " $LAB/" || grep -qzF "$LAB" "/proc/$pid/cmdline" 2>/dev/null; }
}

stop_pid() { # PIDFILE
  local pid
  if pid_alive "$1"; then
    pid=$(cat "$1")
    kill -CONT "-$pid" 2>/dev/null || kill -CONT "$pid" 2>/dev/null || true
    kill -TERM "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
    kill -KILL "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$1"
}

port_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

wait_for() { # SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $deadline ] || die "$what did not come up"
    sleep 0.05
  done
}
