#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `vpnctl import` and what looks at the whole of /etc/vpnrun, on a private tmpfs over /etc:
#
#	provider.conf --import--> /etc/vpnrun/NAME.conf 0600, byte for byte
#	                          /etc/vpnrun/NAME.json 0644
#
# Runs as root or, in a user namespace, as anybody.

here=$(cd "$(dirname "$0")" && pwd)
export VPNCTL=${VPNCTL:-${B:-$here/../../build}/bin/vpnctl}
confs=$here/../fixtures/provider-confs

if [ "$1" != inside ]; then
	VPNCTL=$(readlink -f "$VPNCTL")
	if [ "$(id -u)" = 0 ]; then
		exec unshare -m "$0" inside
	elif unshare -Urm true 2>/dev/null; then
		exec unshare -Urm "$0" inside
	fi
	echo "1..0 # SKIP user namespaces are forbidden and this is not root"
	exit 0
fi

n=0 failed=0
ok() { # STATUS DESCRIPTION
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		sed 's/^/#   /' "$work/out" "$work/err"
	fi
}
run() { "$VPNCTL" "$@" >"$work/out" 2>"$work/err"; }
says() { grep -q -- "$1" "$work/err"; }
mode() { stat -c %a "$1"; }

mount --make-rprivate / 2>/dev/null
work=$(mktemp -d)
trap 'umount -l "$work"; rmdir "$work"' EXIT
# A thousand small files take a second on a disk.
mount -t tmpfs tmpfs "$work" || { echo "1..0 # SKIP no tmpfs can be mounted"; exit 0; }
# Only what is looked at: an empty /etc is enough for vpnctl.
mount -t tmpfs -o mode=755 tmpfs /etc || { echo "1..0 # SKIP no tmpfs can be mounted"; exit 0; }
# And a /run of its own, where the first import makes the directory.
mount -t tmpfs -o mode=755 tmpfs /run
d=/etc/vpnrun
umask 077

run import "$confs/bad-port.conf"
ok $(($? != 1)) "R68 a bad file is refused with exit 1"
says 'bad-port.conf:10: Endpoint: '; ok $? "R68 with file, line and key"
[ ! -e $d ]; ok $? "R68 and nothing is changed"

for name in default host none - a/b sixteen-letters- ''; do
	run import "$confs/mullvad.conf" --name "$name"
	[ $? = 1 ] && [ ! -e $d ]; ok $? "R27 the name '$name' is refused"
done
for id in 0 100 x; do
	run import "$confs/mullvad.conf" --id $id
	ok $(($? != 2)) "id $id is wrong usage"
done

run import "$confs/mullvad.conf"
ok $? "R35 import of a file as downloaded"
[ "$(mode $d)" = 755 ] && [ "$(mode $d/mullvad.conf)" = 600 ] && [ "$(mode $d/mullvad.json)" = 644 ]
ok $? "R26 modes 0755, 0600, 0644 whatever the umask"
[ "$(mode /run/vpnrun) $(find /run/vpnrun -mindepth 1 -printf '%m\n')" = '755 600' ]
ok $? "R26 so of the directory of what is up, whose lock is root's"
cmp -s "$confs/mullvad.conf" $d/mullvad.conf; ok $? "R35 byte for byte"
! grep -q 'kEv8js' "$work/out" "$work/err" $d/mullvad.json; ok $? "R26 no key in the output or the JSON"
run check --json $d/mullvad.json
ok $? "the result is a valid profile"
grep -q '"id": 1,' "$work/out"; ok $? "with the lowest id"
grep -q '"name": "mullvad"' "$work/out" && grep -q '"endpoint": "192.0.2.66:51820"' "$work/out"
ok $? "its check shows profile and tunnel"

before=$(find $d -type f -printf '%p %i %s %T@\n' | sort)
run import "$confs/mullvad-ks.conf" --name mullvad
ok $(($? != 1)) "an existing name is refused"
says "already" && says "--name"; ok $? "and the sentence says what to do"
run import "$confs/mullvad-ks.conf" --id 1
ok $(($? != 1)) "R01 a taken id is refused"
says "id 1 is VPN 'mullvad'"; ok $? "R01 naming the id and its owner"
[ "$before" = "$(find $d -type f -printf '%p %i %s %T@\n' | sort)" ]
ok $? "R68 and nothing is left of either"

run import "$confs/split-tailnet.conf" --id 3 && [ -e $d/split-tailnet.json ]
ok $? "R27 a name of thirteen letters stays whole"
run import --name second "$confs/pia.conf" && grep -q '"id": 2' $d/second.json
ok $? "the lowest free id fills the gap"
run import "$confs/hostile-hooks.conf" --name hooks && says 'PostUp: not run'
ok $? "R65 hooks are told and not run"
[ ! -e /tmp/FIXTURE_HOOK_WAS_RUN ]; ok $? "R65 no hook was run"

# Another's file, or a link, in the place of ours is left alone.
echo mine >$d/mine.conf
run import "$confs/pia.conf" --name mine
[ $? = 1 ] && [ "$(cat $d/mine.conf)" = mine ] && [ ! -e $d/mine.json ]
ok $? "a file that is in the way is not overwritten"
ln -s "$work/elsewhere" $d/link.conf
run import "$confs/pia.conf" --name link
[ $? = 1 ] && [ ! -e "$work/elsewhere" ]; ok $? "R26 no link is followed"
rm -f $d/link.conf $d/mine.conf
ln -s "$work/elsewhere" $d/link.json
run import "$confs/pia.conf" --name link
[ $? = 1 ] && [ ! -e "$work/elsewhere" ] && [ ! -e $d/link.conf ]
ok $? "a JSON that is in the way: nothing is half-made"
rm -f $d/link.json
# What an import that was killed before its last step leaves.
(umask 077; cat "$confs/pia.conf" >$d/killed.conf)
run import "$confs/pia.conf" --name killed; ok $? "the rest of a killed import is taken over"
[ -z "$(find $d -name '.*' -type f)" ]; ok $? "no temporary file is left"

# Two that claim one id.
sed 's/"id": [0-9]*/"id": 1/' $d/second.json >$d/twin.json
run check $d/twin.json
ok $(($? != 1)) "R01 a duplicate id is refused"
says "twin.json:[0-9]*: id: id 1 of VPN 'twin' is VPN 'mullvad''s already"
ok $? "R01 naming id and both VPNs"
rm $d/twin.json

chmod 777 $d
run import "$confs/pia.conf" --name other
[ $? = 1 ] && says 'writable by root only'; ok $? "R26 a directory that others can write is refused"
chmod 755 $d

mount -t tmpfs -o size=4k,mode=755 tmpfs $d
run import "$confs/split-tailnet.conf" --name full
r=$?
[ $r = 1 ] && [ -z "$(ls -A $d)" ]; ok $? "a full disk leaves nothing half-made"
umount $d

run allowed-ips '0.0.0.0/0, ::/0' --minus 100.64.0.0/10 --minus=fd7a:115c:a1e0::/48 &&
	sed -n 's/^AllowedIPs = //p' "$confs/split-tailnet.conf" | cmp -s - "$work/out"
ok $? "R57 allowed-ips: all but the tailnet is what a file made for that says"
run allowed-ips 10.0.0.0/8 --minus 0.0.0.0/0
[ $? = 1 ] && says 'nothing remains'; ok $? "R57 nothing remains: says so"

for i in $(seq 1 12); do "$VPNCTL" import "$confs/pia.conf" --name "p$i" >/dev/null 2>&1 & done
wait
[ "$(cat $d/*.json | grep -o '"id": [0-9]*' | sort | uniq -d | wc -l)" = 0 ] &&
	[ "$(ls $d/p*.json | wc -l)" = 12 ]
ok $? "R01 imports at once choose different ids"

# --- what others wrote, on a terminal ------------------------------------------------------------

# Arguments and file names of every program: what a terminal obeys, what is no UTF-8 and what would begin a
# line of its own comes out as '?'.
bin=$(dirname "$VPNCTL")
bad=$'x\e[31my\nINJECTED \xff\xc2\x9b'
mkdir "$work/$bad" && cp "$confs/pia.conf" "$work/$bad/$bad.conf"
printf '{\n\t"id": "%s" }' "$bad" >"$work/$bad/$bad.json"
clean() { # COMMAND...: what it says is kept behind its words, and all is judged at the end
	printf '%s\0' "$*" >>"$work/said"
	"$@" </dev/null >>"$work/said" 2>>"$work/said"
	printf '\0' >>"$work/said"
}
commands=$("$VPNCTL" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
commands+=" rename unwrap" # which are in the row of another
for c in $commands; do
	clean "$VPNCTL" "$c" "$bad"
	clean "$VPNCTL" "$c" "--$bad"
	clean "$VPNCTL" "$c" "$bad" "$bad" "$bad"
	clean "$VPNCTL" "$c" "$work/$bad/$bad.conf"
	clean "$VPNCTL" "$c" "$work/$bad/$bad.json"
	for o in --vpn --uid --pid --name --id --policy --caps --url --expect --minus; do
		clean "$VPNCTL" "$c" x $o "$bad"
	done
done
for o in check install show; do clean "$VPNCTL" policy $o "$work/$bad/$bad.json"; clean "$VPNCTL" policy $o --caps "$bad" "$bad"; done
# A broker that takes what it must refuse would serve.
for p in "$bin/vpnrun" "$bin/../libexec/vpnrun/vpnrund"; do
	clean timeout 10 "$p" "$bad"
	clean timeout 10 "$p" "--$bad" x
	clean timeout 10 "$p" "-$bad" x
	for o in --listen --idle --ready-fd --policy --keep-fd --allow --reach --with --socket -p -e; do
		clean timeout 10 "$p" $o "$bad" none true
	done
done
clean "$VPNCTL" "$bad"
# shellcheck disable=SC2016 # of Perl
quoted=$(perl -0777 -ne '
	my @said = split /\0/, $_, -1;
	my ($asked, $quoted, $dirty) = (($#said) / 2, 0, 0);
	while (my ($words, $text) = splice @said, 0, 2) {
		last unless defined $text;
		my $copy = $text;
		$quoted++ if $text =~ /INJECTED/;
		next unless $text =~ /^INJECTED|[\x01-\x08\x0b-\x1f\x7f]|\xc2\x9b/m || !utf8::decode($copy);
		$dirty++;
		$text =~ s/[^ -~\n]/?/g;
		printf STDERR "# %s: %.300s\n", $words =~ s/[^ -~]/?/gr, $text;
	}
	print $quoted;
	exit($dirty > 0 || $asked < 300 || $asked != int $asked)' "$work/said")
[ $? = 0 ] && [ "${quoted:-0}" -gt 20 ]; ok $? "L62 nothing that came from outside is shown as it came: $quoted sentences of all programs quote it"
for l in '' x ./x '-1'; do
	timeout 10 "$bin/../libexec/vpnrun/vpnrund" --listen "$l" >"$work/out" 2>"$work/err"
	[ $? = 1 ] && says 'begins with /'; ok $? "L62 vpnrund --listen '$l': refused"
done
[ ! -e /x ]; ok $? "L62 and nothing is made in /"

# Whatever is wrong is said before anything is done; help is no error.
wrong=0 helps=0 all=0
for c in $commands; do
	all=$((all + 1))
	run "$c" x --nosuch && wrong=1
	says "$c: there is no option '--nosuch'; usage: vpnctl $c " || wrong=1
	run "$c" --help && grep -q "^usage: vpnctl $c " "$work/out" && [ ! -s "$work/err" ] && helps=$((helps + 1))
done
[ $wrong = 0 ]; ok $? "L62 an option that a command does not know: refused by all $all commands, in one way"
[ $helps = $all ] && [ $all -ge 19 ]; ok $? "L62 --help: on stdout, no error, of all of them ($helps of $all)"

# Every key of a profile is a row of one table: what it reads, check and check --json say.
mkdir -p "$work/whole"
cp "$confs/mullvad.conf" "$work/whole/x.conf"; chmod 600 "$work/whole/x.conf"
cat >"$work/whole/whole.json" <<END
{ "id": 9, "layout": "bridge", "config": "$work/whole/x.conf", "limit": 7, "subnet": "10.99.0.0/24", "bridge": "br-nine",
  "allow": { "users": ["alice"] }, "allow_default": { "groups": ["staff"] }, "subnets": ["10.98.0.0/16"],
  "allow_lan": ["192.168.7.0/24"], "ipv6_forwarding": true, "allow_host": ["53/udp"], "expose": ["8080/tcp"],
  "allow_expose": ["443", "2000-2100"], "port_forward": "natpmp", "port_forward_gateway": "10.2.0.9",
  "port_forward_hook": { "user": "nobody", "command": "/bin/true" }, "other_dns": "refuse" }
END
run check --json "$work/whole/whole.json"
ok $? "a profile with every key of the layout bridge is valid"
keys=(limit subnet bridge allow allow_default subnets allow_lan ipv6_forwarding allow_host expose allow_expose port_forward
	port_forward_gateway port_forward_hook other_dns)
values() { jq -c '.[$ARGS.positional[]]' "$1" --args "${keys[@]}"; }
mapfile -t is < <(values "$work/out")
mapfile -t wanted < <(values "$work/whole/whole.json" | sed 's/{"users":\["alice"\]}/{"users":["alice"],"groups":[]}/; s/{"groups":\["staff"\]}/{"users":[],"groups":["staff"]}/')
for k in "${!keys[@]}"; do
	[ "${is[$k]:-null}" != null ] && [ "${is[$k]}" = "${wanted[$k]}" ]
	ok $? "check --json says ${keys[$k]} as the file does"
done
run check "$work/whole/whole.json"
grep -q 'allow_host *53/udp' "$work/out" && grep -q 'expose *8080/tcp' "$work/out" && grep -q 'port_forward_hook user: nobody; command: /bin/true' "$work/out"
ok $? "and check says them to people"

echo "1..$n"
exit $failed
