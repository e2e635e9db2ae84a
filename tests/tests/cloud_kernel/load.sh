# Loads everything into the machine that it is run in: load.sh DIRECTORY EBTABLES
dir=$1
mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
mkdir -p /sys/fs/cgroup/x/y
# One at a time, rules that name them would each be begun anew with every module.
modprobe -a $(cat "$dir/modules") || exit
sh "$dir/links.sh" || exit
sh "$dir/host.sh" || exit
nfacct add http || exit
nft -f "$dir/rules.nft" || exit
nft -f "$dir/cgroup.nft" || exit
ipset restore <"$dir/sets.ipset" || exit
iptables-legacy-restore "$dir/xtables4.save" || exit
ip6tables-legacy-restore "$dir/xtables6.save" || exit
ebtables-legacy-restore <"$2" || exit
arptables-legacy -P OUTPUT DROP || exit
arptables-legacy -A INPUT -j ACCEPT -i d0 -s 10.0.0.0/8 -d 1.2.3.4 --h-length 6 --opcode 1 --h-type 1 || exit
arptables-legacy -A OUTPUT -j mangle --h-length 6 --mangle-mac-s 00:11:22:33:44:55 --mangle-target CONTINUE || exit
