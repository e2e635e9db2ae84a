# Links that rules, bridges and routes name. Run in each network namespace that gets them.
ip -batch - <<'BATCH'
link add d0 type dummy
link add d1 type dummy
link add d2 type dummy
link set lo up
link set d0 up
link set d1 up
BATCH
