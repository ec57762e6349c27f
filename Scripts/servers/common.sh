# What the servers have in common; each defines `start PORT` and `stop`, and calls `serve "$@"`.
#
#   start DIR PORT      serves S3 on 127.0.0.1:PORT and says "ready"; everything it keeps is in DIR.
#                       Does nothing if it is running
#   stop DIR            stops it; a later start finds every object again
#   wipe DIR            stops it and removes DIR
#   bucket DIR NAME     makes a bucket
#
# The keys are testkey and testsecret, the region is us-east-1. With WATCH=PID the server is wiped
# as soon as that process is gone, so that a crash of the tests leaves nothing behind.
set -euo pipefail
access=testkey secret=testsecret

alive() { # NAME: whether the process in DIR/NAME.pid runs, and is no zombie
    [ -s "$directory/$1.pid" ] &&
        grep -qs '^State:[[:space:]][^ZX]' "/proc/$(cat "$directory/$1.pid")/status"
}

launch() { # NAME COMMAND...: starts it for good, in a session of its own
    local name=$1
    shift
    (
        # It must not keep what it inherits: our lock, or a pipe by which a caller awaits our end.
        for file in /proc/self/fd/*; do
            [ "${file##*/}" -le 2 ] || eval "exec ${file##*/}>&-"
        done
        exec setsid "$@"
    ) </dev/null >>"$directory/$name.out" 2>&1 &
    echo $! >"$directory/$name.pid"
}

end() { # SIGNAL NAME: waits until it is gone, and makes sure after 10 s
    if alive "$2"; then
        kill "-$1" "$(cat "$directory/$2.pid")" 2>/dev/null || true
        for _ in {1..500}; do
            alive "$2" || break
            sleep 0.02
        done
        ! alive "$2" || kill -KILL "$(cat "$directory/$2.pid")"
    fi
    rm -f "$directory/$2.pid"
}

await() { # NAME COMMAND...: until the command succeeds, while NAME runs, for 60 s at most
    local name=$1 end=$((SECONDS + 60))
    shift
    until "$@" >/dev/null 2>&1; do
        if ! alive "$name" || [ $SECONDS -gt $end ]; then
            alive "$name" && what="does not answer" || what="has ended"
            echo "$0: $name $what" >&2
            tail -n 3 "$directory"/*.out "$directory"/*.log >&2 2>/dev/null
            exit 1
        fi
        sleep 0.02
    done
}

answers() { # PORT: whether anything speaks HTTP there
    curl -s -o /dev/null --noproxy '*' "http://127.0.0.1:$1/"
}

make_bucket() { # NAME
    # Naming the hash keeps curl from leaving it out, which a strict server refuses.
    curl -sSf -o /dev/null --noproxy '*' -X PUT --aws-sigv4 aws:amz:us-east-1:s3 \
        --user "$access:$secret" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
        "http://127.0.0.1:$(cat "$directory/port")/$1"
}

outlive() { # PID: waits for its end in the background, then wipes
    alive watch || launch watch "$0" _watch "$directory" "$1"
}

serve() {
    local command=${1:?start, stop, wipe or bucket}
    directory=${2:?a directory}
    mkdir -p "$directory"
    directory=$(realpath "$directory")
    if [ "$command" = _watch ]; then
        while [ -d "/proc/$3" ]; do sleep 0.5; done
        rm -f "$directory/watch.pid"
        command=wipe
    fi
    exec 9>"$directory/lock"
    flock 9 # one at a time: a wipe waits for a start to finish
    case $command in
    start)
        [ -z "${WATCH:-}" ] || outlive "$WATCH"
        start "${3:?a port}"
        echo "$3" >"$directory/port"
        echo "ready http://127.0.0.1:$3"
        ;;
    stop) stop ;;
    wipe)
        end KILL watch
        stop
        rm -rf "$directory"
        ;;
    bucket) make_bucket "${3:?a name}" ;;
    *) echo "$0: start, stop, wipe or bucket?" >&2 && exit 2 ;;
    esac
}
