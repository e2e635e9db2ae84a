# What a host holds besides rules: IPsec, a load balancer, a bridge with VLANs, nexthops, Multipath TCP and connections.
set -e
# Ciphers that take no random numbers: to begin with those costs an emulated machine ten seconds.
ip -batch - <<'BATCH'
addr add 10.9.0.1/24 dev d0
addr add fd09::1/64 dev d0 nodad
xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x101 reqid 7 mode tunnel enc ecb(cipher_null) "" auth hmac(sha1) 0x0001020304050607080900010203040506070809 flag esn replay-window 64
xfrm state add src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x102 reqid 7 mode tunnel enc ecb(cipher_null) "" auth-trunc hmac(sha256) 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 128 replay-window 32 flag af-unspec encap espinudp 4500 4500 0.0.0.0
xfrm state add src 192.0.2.3 dst 192.0.2.4 proto ah spi 0x103 mode transport auth hmac(sha1) 0x0001020304050607080900010203040506070809 mark 0x5 mask 0xff if_id 0x9 output-mark 0x7 mask 0xf
xfrm state add src fd00::1 dst fd00::2 proto comp spi 0x104 mode transport comp deflate sel src fd00::1/128 dst fd00::2/128 proto tcp dport 80
xfrm state add src 192.0.2.5 dst 192.0.2.6 proto esp spi 0x105 reqid 9 mode beet enc ecb(cipher_null) "" limit time-hard 3600 limit byte-soft 1000000 limit packet-hard 77
xfrm policy add src 10.0.0.0/24 dst 10.1.0.0/16 proto tcp dport 443 dir out priority 100 tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 7 mode tunnel
xfrm policy add src 10.1.0.0/16 dst 10.0.0.0/24 dir in mark 1 mask 0xff if_id 5 tmpl src 192.0.2.2 dst 192.0.2.1 proto esp reqid 7 mode tunnel level use tmpl proto comp mode transport level use
xfrm policy add src 2001:db8::/32 dst ::/0 dir fwd action block priority 3
xfrm policy add src 10.7.0.0/16 dst 10.8.0.0/16 dev d0 dir out flag icmp limit time-hard 3600
xfrm policy setdefault in block fwd accept out accept
nexthop add id 1 via 10.9.0.2 dev d0
nexthop add id 2 via 10.9.0.3 dev d0 proto static
nexthop add id 3 via fd09::2 dev d0
nexthop add id 4 blackhole
nexthop add id 5 via 10.77.77.1 dev d1 onlink
nexthop add id 10 group 1/2,5
nexthop add id 11 group 1/2,2 type resilient buckets 8 idle_timer 60 unbalanced_timer 300
nexthop add id 12 via 10.9.0.9 fdb
route add 198.51.100.0/24 nhid 10
mptcp limits set subflows 3 add_addr_accepted 2
mptcp endpoint add 10.9.0.1 dev d0 subflow backup
mptcp endpoint add 10.9.0.1 port 8080 signal
mptcp endpoint add 2001:db8::1 subflow fullmesh
link add br0 type bridge vlan_filtering 1 vlan_default_pvid 1 mcast_snooping 1
link add p0 type veth peer name q0
link add p1 type veth peer name q1
link set p0 master br0
link set p1 master br0
link set br0 up
link set p0 up
link set q0 up
link set p1 up
link set q1 up
BATCH

bridge -batch - <<'BATCH'
vlan add dev p0 vid 10 pvid untagged
vlan add dev p0 vid 100-110
vlan add dev p1 vid 20 untagged
vlan del dev p1 vid 1
vlan add dev br0 vid 10 self
link set dev p0 isolated on hairpin on learning off priority 7 cost 55
link set dev p1 guard on mcast_flood off mcast_router 2 neigh_suppress on
fdb add 02:00:00:00:00:07 dev p0 master static vlan 10
fdb add 02:00:00:00:00:08 dev p0 self
fdb add 02:00:00:00:00:09 dev br0 self local vlan 10
fdb add 02:00:00:00:00:0a dev p1 master sticky static vlan 20
mdb add dev br0 port p0 grp 239.1.1.1 permanent vid 10
mdb add dev br0 port p1 grp ff05::99 permanent vid 20
BATCH

ipvsadm -R <<'SERVICES'
-A -t 10.9.0.1:80 -s wrr -p 300 -M 255.255.255.0
-a -t 10.9.0.1:80 -r 10.9.1.1:8080 -m -w 5
-a -t 10.9.0.1:80 -r 10.9.1.2:8080 -m -w 0 -x 100 -y 10
-A -u 10.9.0.1:53 -s sh -b sh-fallback,sh-port -o
-a -u 10.9.0.1:53 -r 10.9.1.3:53 -i -w 1
-a -u 10.9.0.1:53 -r 10.9.1.4:53 -i -w 2 --tun-type gue --tun-port 6080 --tun-nocsum
-a -u 10.9.0.1:53 -r 10.9.1.5:53 -i -w 2 --tun-type gre --tun-csum
-A -f 5 -s lc
-a -f 5 -r 10.9.1.6:0 -g -w 1
-A -f 6 -6 -s rr -p 60 -M 64
-a -f 6 -6 -r [fd09::7]:0 -g -w 3
-A -t [fd09::1]:443 -s mh -b mh-fallback
-a -t [fd09::1]:443 -r [fd09::8]:443 -g -w 1
-A -t 10.9.0.1:5060 -s wlc
SERVICES
ipvsadm --set 900 120 300
ipvsadm --start-daemon master --mcast-interface d0 --syncid 7 --sync-maxlen 1400 --mcast-group 224.0.0.99 --mcast-port 8849 --mcast-ttl 3
ipvsadm --start-daemon backup --mcast-interface d0 --syncid 8

nfct add timeout patient inet tcp established 100 close 10
nfct add timeout six inet6 udp unreplied 11 replied 12
nfct add timeout udp inet udp unreplied 5
nfct add timeout any inet generic timeout 77
nfct add helper rpc inet udp
conntrack -I -p tcp -s 10.9.0.1 -d 10.9.0.2 --sport 1000 --dport 21 --state ESTABLISHED --timeout 600 --zone 5 -m 0x7 >/dev/null
conntrack -I -p udp -s 10.9.0.1 -d 10.9.0.3 --sport 1000 --dport 53 --timeout 600 -u ASSURED,SEEN_REPLY >/dev/null
