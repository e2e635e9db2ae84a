# Reads the network state of this host with the tools that are installed on it, and prints it in frames.
#
# It takes no input: the line that netghost puts in front of it sets `stage` to one of a fixed list of words, and nothing else
# differs. It changes nothing: it asks for nothing that would load a module or make a table, and its files are its own.
#
#   stream  read everything and print it whole
#   keep    read everything, keep it in $kept for root alone, and print how many pieces it has
#   1 … 64  print this piece of what is kept
#   remove  remove what is kept

PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
LC_ALL=C
TZ=UTC0
export PATH LC_ALL TZ
unset IFS CDPATH ENV BASH_ENV GREP_OPTIONS GZIP POSIXLY_CORRECT
set -u
set -f
umask 077

# The bytes of a piece: with frames and base64 they stay below the 4,096 that are kept of an answer.
piece_bytes=2600
# Only root can write to /run, so what is found there is root's.
kept=/run/netghost-probe
# Seconds that one tool may take, and 512-byte blocks that it may print.
seconds=20
blocks=65536

# The last line says again what the first one said.
begin() { # WORDS
    said=$*
    printf 'netghost-probe 1 %s\n' "$said"
}

end() {
    printf 'netghost-probe-end %s\n' "$said"
}

fail() { # WORDS
    begin "failed $1"
    end
    exit 3
}

sha() {
    sha256sum <"$1" | cut -c 1-64
}

size() {
    wc -c <"$1" | tr -d ' '
}

# A directory that is ours, and no link to somewhere else.
is_ours() {
    [ -d "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %u "$1" 2>/dev/null)" = "$(id -u)" ]
}

# ---- frames ----

# What is in $work/out and $work/err becomes a part.
emit() { # NAME STATUS TOOL VERSION
    count=$((count + 1))
    if [ "$(size "$work/err")" -gt 4000 ]; then
        head -c 4000 <"$work/err" >"$work/short" && mv "$work/short" "$work/err"
        printf '\n(cut)\n' >>"$work/err"
    fi
    {
        printf 'part %s %s %s %s %s %s %s\n' "$count" "$1" "$2" \
            "$(size "$work/out")" "$(sha "$work/out")" "$(size "$work/err")" "$(sha "$work/err")"
        printf 'tool %s\n' "$3"
        printf 'version %s\n' "$4"
        cat "$work/out"
        printf '\n'
        cat "$work/err"
        printf '\n'
    } >>"$work/parts"
}

# A part that has nothing but a reason.
without() { # missing|skipped NAME WORDS
    count=$((count + 1))
    printf '%s %s %s %s\n' "$1" "$count" "$2" "$3" >>"$work/parts"
}

# One line without control characters.
one_line() {
    head -n 1 | tr -d '\000-\037\177' | cut -c 1-200
}

# Runs a tool with its arguments, within its limits.
run() { # PATH ARGUMENTS
    (
        ulimit -f "$blocks"
        ulimit -c 0
        exec timeout -k 2 "$seconds" "$@"
    ) >"$work/out" 2>"$work/err" </dev/null
}

# A part from a tool: its name, how the tool tells its version, the tool, its arguments.
tool() { # NAME VERSION-OPTION TOOL ARGUMENTS
    part=$1 option=$2 name=$3
    shift 3
    path=$(command -v "$name") || {
        without missing "$part" "$name"
        return 0
    }
    run "$path" "$@"
    status=$?
    emit "$part" "$status" "$path" "$(timeout -k 2 5 "$path" "$option" 2>&1 </dev/null | one_line)"
}

# A part from a file of the kernel's.
file() { # NAME PATH
    if [ ! -e "$2" ]; then
        without skipped "$1" "there is no $2"
        return 0
    fi
    run cat "$2"
    emit "$1" "$?" "$2" -
}

# A part from commands of this script.
made() { # NAME COMMANDS
    part=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null
    emit "$part" "$?" "$1" -
}

# ---- what is there, without asking for it ----

# Whether a kernel module can be asked without loading it: `can_ask`, `absent`, or `unknown`.
presence() { # MODULE
    if [ ! -e /proc/modules ] || grep -q "^$1 " /proc/modules; then
        echo can_ask
    elif [ ! -r "$builtin" ]; then
        echo unknown
    elif grep -q "/$1\.ko$" "$builtin"; then
        echo can_ask
    else
        echo absent
    fi
}

modules() {
    for module in nf_tables ip_set xfrm_user af_key ip_vs ebtables nf_conntrack nfnetlink_cthelper nfnetlink_cttimeout; do
        printf '%s %s\n' "$module" "$(presence "$module")"
    done
}

loaded() {
    [ ! -e /proc/modules ] || cut -d ' ' -f 1 /proc/modules
}

# True if the tool may be asked; if not, that is a part.
may_ask() { # NAME MODULE
    case $(presence "$2") in
    can_ask) return 0 ;;
    absent) without skipped "$1" "$2 is neither loaded nor built in (/proc/modules, modules.builtin)" ;;
    *) without missing "$1" "what tells whether $2 is there: modules.builtin" ;;
    esac
    return 1
}

# ---- the parts ----

# The user's number, and a word where sudo made it so.
user() {
    printf '%s %s\n' "$(id -u)" "${SUDO_UID:+sudo}"
}

host() {
    file hostname /proc/sys/kernel/hostname
    file boot-id /proc/sys/kernel/random/boot_id
    file kernel /proc/sys/kernel/osrelease
    made time date +%s
    made user user
    made modules modules
    made loaded-before loaded
}

# The tables of legacy xtables. Its save tool reads those that the kernel lists and makes no other.
legacy() { # PART TOOL OLD-TOOL NAMES
    file "$1-names" "$4"
    if [ ! -e "$4" ] || [ ! -s "$work/out" ]; then
        return 0
    fi
    save=$2
    # Before 1.8 there was but one tool; since then it may be that of the other plane.
    if ! command -v "$2" >/dev/null && command -v "$3" >/dev/null; then
        case $("$3" --version 2>&1) in
        *nf_tables*) ;;
        *) save=$3 ;;
        esac
    fi
    tool "$1" --version "$save"
    file "$1-names-after" "$4"
}

nftables() {
    may_ask nft nf_tables || return 0
    tool nft --version nft -j list ruleset
    # Extensions of xtables are named by nft without what they were told; the save tools tell it. They are asked for nothing
    # else, because old ones make tables.
    case $part in
    nft)
        if grep -q '"xt"' "$work/out"; then
            tool nft-ipv4 --version iptables-nft-save
            tool nft-ipv6 --version ip6tables-nft-save
        fi
        ;;
    esac
}

# `rtmon` writes what the kernel lists of the links and then waits for changes until its time is over.
links() {
    path=$(command -v rtmon) || {
        without missing links rtmon
        return 0
    }
    rm -f "$work/rtmon"
    (
        ulimit -f "$blocks"
        exec timeout -k 2 2 "$path" file "$work/rtmon" link
    ) >/dev/null 2>"$work/err" </dev/null
    status=$?
    # The end of the time is how it has to end; busybox tells the signal instead.
    case $status in
    124 | 143) status=0 ;;
    esac
    cat "$work/rtmon" >"$work/out" 2>>"$work/err" || status=1
    emit links "$status" "$path" "$(ip -V 2>&1 </dev/null | one_line)"
}

addresses() {
    tool names-before -V ip -j link show
    links
    tool addresses -V ip addr save
    tool ipv4-rules -V ip -4 rule save
    tool ipv6-rules -V ip -6 rule save
    tool ipv4-multicast-rules -V ip -4 mrule save
    tool ipv6-multicast-rules -V ip -6 mrule save
    tool ipv4-routes -V ip -4 route save table all
    tool ipv6-routes -V ip -6 route save table all
    tool neighbours -V ip -N -j neigh show nud all
    tool proxied -V ip -N -j neigh show proxy
    tool nexthops -V ip -N -d -j nexthop show
    if [ -e /proc/sys/net/mptcp/enabled ]; then
        tool mptcp-endpoints -V ip -j mptcp endpoint show
        tool mptcp-limits -V ip mptcp limits show
    else
        without skipped mptcp-endpoints "there is no /proc/sys/net/mptcp/enabled"
        without skipped mptcp-limits "there is no /proc/sys/net/mptcp/enabled"
    fi
    # Counts only: a listing of associations holds keys.
    if may_ask xfrm-states xfrm_user; then
        tool xfrm-states -V ip xfrm state count
        tool xfrm-policies -V ip xfrm policy count
        tool xfrm-defaults -V ip xfrm policy getdefault
    fi
    tool names-after -V ip -j link show
}

# Every kernel parameter of the network but secrets and those that can't be read.
sysctl_files() {
    find /proc/sys/net -type f ! -name flush ! -name stable_secret ! -name '*_key' "$@"
}

sysctls() {
    made sysctl-files sysctl_files -print
    made sysctls sysctl_files -exec grep -H '' '{}' +
}

conntrack() {
    may_ask helpers nfnetlink_cthelper && tool helpers version nfct list helper
    may_ask timeouts nfnetlink_cttimeout && tool timeouts version nfct list timeout
}

sets() { # PART
    may_ask "$1" ip_set && tool "$1" version ipset save
}

read_all() {
    count=0
    builtin=/lib/modules/$(uname -r)/modules.builtin
    printf 'netghost-probe-parts 1\n' >"$work/parts"
    host
    sets ipset
    nftables
    legacy legacy-ipv4 iptables-legacy-save iptables-save /proc/net/ip_tables_names
    legacy legacy-ipv6 ip6tables-legacy-save ip6tables-save /proc/net/ip6_tables_names
    file legacy-arp-names /proc/net/arp_tables_names
    addresses
    sysctls
    conntrack
    sets ipset-again
    made loaded-after loaded
    printf 'parts-end %s\n' "$count" >>"$work/parts"
}

# Packs what was read into $work/payload; the packing's name is in $packed.
pack() {
    packed=plain
    if command -v gzip >/dev/null && gzip -9 -n -c <"$work/parts" >"$work/payload" 2>/dev/null; then
        packed=gzip
    else
        cat "$work/parts" >"$work/payload"
    fi
    length=$(size "$work/payload")
    digest=$(sha "$work/payload")
}

needs() {
    for name in "$@"; do
        command -v "$name" >/dev/null || fail "$name is not installed"
    done
}

stream() {
    work=$(mktemp -d) || fail "no temporary directory can be made"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 3' HUP INT TERM
    read_all
    pack
    begin stream "$packed" "$length" "$digest"
    cat "$work/payload"
    echo
    end
}

keep() {
    [ "$(id -u)" = 0 ] || fail "it does not run as root"
    needs base64 dd
    if [ -e "$kept" ] || [ -L "$kept" ]; then
        is_ours "$kept" || fail "$kept is not root's directory"
        rm -rf "$kept"
    fi
    mkdir -m 0700 "$kept" || fail "$kept can't be made"
    work=$kept
    # Half of an answer is of no use to anybody.
    trap 'rm -rf "$kept"' EXIT
    trap 'exit 3' HUP INT TERM
    read_all
    pack
    rm -f "$work/parts" "$work/out" "$work/err" "$work/short" "$work/rtmon"
    pieces=$(((length + piece_bytes - 1) / piece_bytes))
    printf '%s %s %s %s\n' "$packed" "$length" "$digest" "$pieces" >"$kept/about" || fail "$kept can't be written"
    trap - EXIT
    begin kept "$packed" "$length" "$digest" "$pieces"
    end
}

piece() { # NUMBER
    needs base64 dd
    is_ours "$kept" && [ -r "$kept/about" ] || fail "nothing is kept"
    # Several pieces may be printed at a time.
    one=$kept/piece-$1
    read -r packed length digest pieces <"$kept/about"
    [ "$1" -le "$pieces" ] || fail "there is no such piece"
    dd if="$kept/payload" of="$one" bs="$piece_bytes" skip="$(($1 - 1))" count=1 2>/dev/null || fail "it can't be read"
    size=$(size "$one")
    of_piece=$(sha "$one")
    begin piece "$1" "$pieces" "$packed" "$length" "$digest" "$size" "$of_piece"
    base64 <"$one"
    end
    rm -f "$one"
}

remove() {
    if [ -e "$kept" ] || [ -L "$kept" ]; then
        is_ours "$kept" || fail "$kept is not root's directory"
        rm -rf "$kept" || fail "$kept can't be removed"
    fi
    begin removed
    end
}

needs sha256sum timeout mktemp cut head tr wc cat id stat grep find
case ${stage-} in
stream) stream ;;
keep) keep ;;
remove) remove ;;
[1-9] | [1-5][0-9] | 6[0-4]) piece "$stage" ;;
*) fail "no stage is named" ;;
esac
