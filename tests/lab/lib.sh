# shellcheck shell=bash
# Sourced by the programs of this directory: where the lab lives, its names and addresses, and how its
# processes are started, recognised and stopped. It starts nothing by itself.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
LAB=$ROOT/.lab
export LAB
# Debian's Python: the samba modules exist only for it.
# shellcheck disable=SC2034 # the programs that source this file use it
SYSTEM_PYTHON=/usr/bin/python3

die() { echo "lab: $*" >&2; exit 1; }
say() { [ -n "${LAB_QUIET:-}" ] || echo "lab: $*" >&2; }

# Domain controllers bind ports below 1024 and set file owners: they need root. The same program runs again by
# sudo, with the caller's LAB_ variables; what it makes for the caller is given back by `hand_over`.
need_root() {
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null || die "this needs root (ports below 1024), and there is no sudo"
  local keep=() name
  for name in "${!LAB_@}" CHANCERY_BIN PATH; do [ -z "${!name:-}" ] || keep+=("$name=${!name}"); done
  exec sudo env "${keep[@]}" "$0" "$@"
}

# One program at a time per checkout. The lock is on a directory of the sources, so that `down --purge` can delete
# everything it made. Descriptor 9 must be closed in everything that stays running (see `launch`).
take_lock() { exec 9<"$ROOT/tests/lab"; flock 9; }

# ---- settings -------------------------------------------------------------------------------------------------

# The realm, SID and host of an existing lab are kept unless the caller names others.
load_settings() {
  local given_schema=${LAB_SCHEMA:-} given_realm=${LAB_REALM:-} given_sid=${LAB_SID:-} given_host=${LAB_HOST:-} given_other=${LAB_OTHER_REALM:-}
  # shellcheck disable=SC2034
  SETTINGS_CHANGED=
  LAB_REALM='' LAB_SID='' LAB_HOST='' LAB_OTHER_REALM='' LAB_SCHEMA=''
  # shellcheck disable=SC1091
  [ ! -e "$LAB/settings" ] || . "$LAB/settings"
  LAB_SCHEMA=${LAB_SCHEMA:-2016}
  local before="$LAB_REALM $LAB_SID $LAB_HOST $LAB_OTHER_REALM $LAB_SCHEMA"
  LAB_SCHEMA=${given_schema:-$LAB_SCHEMA}
  case $LAB_SCHEMA in 2012r2 | 2016) ;; *) die "LAB_SCHEMA is 2012r2 or 2016" ;; esac
  # Defaults derive from the realm, so another realm must not keep the old realm's host name.
  if [ -n "$given_realm" ] && [ "${given_realm^^}" != "$LAB_REALM" ]; then LAB_HOST=''; fi
  LAB_REALM=${given_realm:-${LAB_REALM:-CORP.EXAMPLE}} LAB_REALM=${LAB_REALM^^}
  LAB_SID=${given_sid:-${LAB_SID:-S-1-5-21-1004336348-1177238915-682003330}}
  LAB_HOST=${given_host:-${LAB_HOST:-sts.${LAB_REALM,,}}} LAB_HOST=${LAB_HOST,,}
  LAB_OTHER_REALM=${given_other:-${LAB_OTHER_REALM:-OTHER.EXAMPLE}} LAB_OTHER_REALM=${LAB_OTHER_REALM^^}
  [ "$LAB_REALM" != "$LAB_OTHER_REALM" ] || die "the two domains need different realms"
  # shellcheck disable=SC2034
  if [ -e "$LAB/settings" ] && [ "$before" != "$LAB_REALM $LAB_SID $LAB_HOST $LAB_OTHER_REALM $LAB_SCHEMA" ]; then SETTINGS_CHANGED=1; fi
  # shellcheck disable=SC2034 # read by the programs that source this file
  LAB_OTHER_SID=S-1-5-21-3623811015-3361044348-30300820 DOMAIN=${LAB_REALM,,} OTHER_DOMAIN=${LAB_OTHER_REALM,,} BRAND=brand.example
}

save_settings() {
  printf '%s=%q\n' LAB_REALM "$LAB_REALM" LAB_SID "$LAB_SID" LAB_HOST "$LAB_HOST" LAB_OTHER_REALM "$LAB_OTHER_REALM" \
    LAB_SCHEMA "$LAB_SCHEMA" >"$LAB/settings"
}

# ---- addresses ------------------------------------------------------------------------------------------------

# The checkout's own 127.X.Y.0/24. The hash of its path proposes one; a file per block in /tmp says who has it, so
# that two checkouts whose hashes meet still differ. A claim is void when that checkout's lab no longer has the block.
claim_block() {
  local hash n try claims=/tmp/chancery-lab-blocks
  if [ -s "$LAB/block" ]; then BLOCK=$(<"$LAB/block"); return; fi
  mkdir "$claims" 2>/dev/null && chmod 1777 "$claims"
  hash=$(printf %s "$ROOT" | sha256sum)
  n=$((16#${hash:0:8}))
  for try in $(seq 0 40); do
    # 127.0 is left to others (127.0.0.1, 127.0.0.53, 127.0.1.1), 127.255.255 holds the broadcast address.
    BLOCK=127.$((1 + (n + try) % 254)).$(((n / 254 + try) % 256))
    if try_claim "$claims/$BLOCK"; then echo "$BLOCK" >"$LAB/block"; return; fi
  done
  die "no free block of loopback addresses; see $claims"
}

try_claim() {
  local file=$1 holder
  (
    exec 8>>"$file" || exit 1
    flock 8
    holder=$(head -n 1 "$file")
    if [ -n "$holder" ] && [ "$holder" != "$ROOT" ] && [ "$(cat "$holder/.lab/block" 2>/dev/null)" = "${file##*/}" ]; then exit 1; fi
    echo "$ROOT" >"$file"
  ) 2>/dev/null
}

release_block() {
  local file
  [ -s "$LAB/block" ] || return 0
  file=/tmp/chancery-lab-blocks/$(<"$LAB/block")
  [ "$(head -n 1 "$file" 2>/dev/null)" != "$ROOT" ] || rm -f "$file"
  rmdir /tmp/chancery-lab-blocks 2>/dev/null || true
}

# ---- processes ------------------------------------------------------------------------------------------------

# launch NAME COMMAND…: in its own session, output to $LAB/log/NAME.log, pid in $LAB/run/NAME.pid.
launch() {
  local name=$1
  shift
  # Redirected before the process is made: `pid_of` knows it by its log, and may look at once.
  {
    setsid "$@" </dev/null 9<&- &
    echo $! >"$LAB/run/$name.pid"
  } >>"$LAB/log/$name.log" 2>&1
}

# Prints the pid of a running NAME. A pid file alone proves nothing after a reboot, and samba rewrites its command
# line: our processes are those whose standard output is their own log.
pid_of() {
  local pid
  pid=$(cat "$LAB/run/$1.pid" 2>/dev/null) || return 1
  [ "$(readlink "/proc/$pid/fd/1" 2>/dev/null)" = "$LAB/log/$1.log" ] || return 1
  echo "$pid"
}

# stop NAME…: ends them together, by force after five seconds.
stop() {
  local pid name
  for name in "$@"; do
    # A stopped process takes no SIGTERM until it is continued.
    # PostgreSQL takes SIGTERM for "when everybody has left".
    if [ "$name" = postgres ] && pid=$(pid_of "$name"); then
      # shellcheck disable=SC2046 # one word per process
      kill -CONT "$pid" $(pgrep -P "$pid") && kill -INT "$pid"
      continue
    fi
    if pid=$(pid_of "$name"); then kill -CONT -- "-$pid" 2>/dev/null || true; kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null || true; fi
  done
  for name in "$@"; do
    if pid=$(pid_of "$name"); then
      for _ in $(seq 100); do
        case $(state_of "$pid") in '' | Z) break ;; esac
        sleep 0.05
      done
      [ -z "$(state_of "$pid")" ] || kill -KILL -- "-$pid" 2>/dev/null || true
    fi
    rm -f "$LAB/run/$name.pid"
  done
}

# R, S, T, Z …; nothing when there is no such process.
state_of() { sed 's/^.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null || true; }

# await SECONDS NAME ADDRESS PORT…: until the ports answer; says why when the process ended first.
await() {
  local seconds=$1 name=$2 address=$3 port end=$((SECONDS + $1 + 1))
  shift 3
  for port in "$@"; do
    until answers "$address" "$port"; do
      pid_of "$name" >/dev/null || { tail -n 15 "$LAB/log/$name.log" >&2; die "$name ended; its log is above"; }
      [ $SECONDS -lt $end ] || { tail -n 15 "$LAB/log/$name.log" >&2; die "$name did not answer on $address:$port within $seconds s"; }
      sleep 0.05
    done
  done
}

answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# Its data may lie elsewhere (see `postgres`).
forget_postgres() {
  local data
  data=$(readlink -f "$LAB/postgres") || return 0
  case $data in "$LAB"/* | /var/tmp/chancery-lab-postgres.*) rm -rf "$data" "$LAB/postgres" ;; esac
}

# start_controller NAME CERTIFICATE: the domain controller in $LAB/NAME.
start_controller() {
  local dir=$LAB/$1 tls=$LAB/$1/private/tls
  mkdir -p "$dir"/{ncalrpc,winbindd,ntp_signd} "$tls"
  install -m 644 "$LAB/tls/$2.pem" "$tls/dc.pem"
  install -m 644 "$LAB/tls/ca.pem" "$tls/dc-ca.pem"
  install -m 600 -o 0 -g 0 "$LAB/tls/$2.key" "$tls/dc.key"
  # One process: it can be paused and resumed as one.
  TDB_NO_FSYNC=1 LC_ALL=C.UTF-8 KRB5_CONFIG=$LAB/krb5.conf launch "$1" samba -i -M single -s "$dir/etc/smb.conf" --debug-stdout
}

# A server of the machine that listens on every address also has ours.
check_ports() {
  local taken port
  taken=$(ss -Hltn 2>/dev/null | awk '$4 ~ /^(0\.0\.0\.0|\*|\[::\]):/ { sub(/.*:/, "", $4); print $4 }' | sort -u)
  for port in 88 389 443 464 636 80 3268 3269 49443; do
    ! grep -qx "$port" <<<"$taken" || die "port $port is taken on all addresses by another program (ss -ltnp 'sport = :$port')"
  done
}

# Gives files made by root to the person who called sudo.
hand_over() { [ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$@"; }
