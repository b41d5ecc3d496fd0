#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The completion of bash, zsh and fish, in the real shells: each asks `vpnctl complete`, which has all from the table
# of commands. R28. With a /run of its own, where two VPNs are; runs as root or, in a user namespace, as anybody.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-$PWD/build}
if [ "${1:-}" != inside ]; then
	if [ "$(id -u)" = 0 ]; then
		exec unshare -m "$0" inside
	elif unshare -Urm true 2>/dev/null; then
		exec unshare -Urm "$0" inside
	fi
	echo '1..0 # SKIP user namespaces are forbidden and this is not root'
	exit 0
fi
# shellcheck source=tests/lib.sh
. tests/lib.sh
mount -t tmpfs none /run && mkdir /run/vpnrun /run/try && touch /run/vpnrun/{demo,other,demo.lock} /run/try/alone.conf || exit 1
here=$PWD
export PATH=$B/bin:$PATH HOME=/run/try XDG_CONFIG_HOME=/run/try XDG_DATA_HOME=/run/try
cd /run/try || exit 1

# --- what vpnctl says ------------------------------------------------------------------------------
said() { vpnctl complete "$@" | cut -f1 | xargs; }
is "$(vpnctl complete vpnctl '' | cut -f1 | sort | xargs)" "$({ vpnctl --help | awk '/^  [a-z]/ { print $1 }'; printf '%s\n' rename unwrap release --help --version; } | sort | xargs)" 'R28: every command of the table'
for c in $(vpnctl --help | awk '/^  [a-z]/ { print $1 }'); do
	usage=$(vpnctl "$c" --help)
	usage=${usage%%$'\n'*}
	offered=$(vpnctl complete vpnctl "$c" -)
	bare='' missing=''
	while read -r o; do [[ $o = --help || $usage =~ "$o"([^a-z-]|$) ]] || bare+=" $o"; done <<<"$offered"
	is "$bare" '' "R28: $c: its usage has every option"
	for o in $(grep -oE -e '--[a-z-]+' <<<"$usage"); do [[ $'\n'$offered$'\n' = *$'\n'"$o"$'\n'* ]] || missing+=" $o"; done
	is "$missing" '' "R28: $c: every option of its usage"
done
names=$(vpnctl complete vpnctl up '' | sort | xargs)
like " $names " ' demo .*other ' 'names: those that are up'
not_in() { ! grep -qwF "$1" <<<"$2"; }
ok 'and not what lies beside them' not_in lock "$names"
is "$(said vpnctl down --force demo '' | grep -c other)" 1 'an operand that may be repeated'
is "$(said vpnctl status demo '')" '' 'and one that may not'
like "$(said vpnctl default '')" 'none$' 'the words of a usage: none'
mkdir /run/upper /run/work
if mount -t overlay none -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc 2>/dev/null; then
	mkdir -p /etc/vpnrun/demo.servers && touch /etc/vpnrun/demo.servers/se-sto-1.conf
	# An overlay over the machine's own, of which this shell alone knows.
	echo '{ "id": 7, "device": "wwan0" }' >/etc/vpnrun/direct.json
	touch /run/vpnrun/direct
	is "$(said vpnctl up '' | grep -ow direct | sort -u) $(said vpnctl default '' | grep -cw direct) $(said vpnctl default '' | grep -cw demo)" 'direct 0 1' \
		'R85: default offers no way out that it would refuse, for all that up offers it'
	rm /run/vpnrun/direct
	is "$(said vpnctl switch demo '') $(said vpnctl switch '../vpnrun/demo' '')" 'se-sto-1 next random next random' 'the servers of the VPN that stands before'
	umount /etc
fi
is "$(said vpnctl oci '')" 'enable disable status' 'enable, disable, status, an option between them'
is "$(said vpnctl policy check '')" "$(said vpnctl policy show '')" 'what only the manual knows: files and policies'
is "$(said vpnctl import --name x '') $(said vpnctl confine '') $(said vpnctl wrap '')" '@files @units @commands' 'files, units, programs'
is "$(said vpnctl kick demo --pid '') $(said vpnctl kick demo --uid '') $(said vpnctl ip --url '')" '@pids @users ' 'values of options, or nothing'
is "$(said vpnrun demo cmd -x '') $(said vpnrun -- cmd '') $(said vpnrun --with 7 '')" '@line 1 @line 1 @line 2' 'vpnrun: a command line of its own'
like "$(said vpnrun --dns 1.1.1.1 '')" 'demo .*default none host$' 'vpnrun: behind an option and its value, the VPN'
is "$(vpnctl complete; vpnctl complete vpnctl; vpnctl complete vpnctl nonsense '')" '' 'odd questions are not answered'

# --- the shells --------------------------------------------------------------------------------------
# What the line becomes, or for fish what it is offered.
in_bash() {
	# shellcheck disable=SC2016 # of the other bash
	bash --norc -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _vpnrun; printf "%s\n" "${COMPREPLY[@]}"' - \
		"$here/contrib/completion/vpnrun.bash" "$@" | sort | xargs
}
is "$(in_bash vpnctl resta)" restart 'bash: a command'
is "$(in_bash vpnctl up oth)" other 'bash: a VPN'
is "$(in_bash vpnctl import al)" alone.conf 'bash: a file'
is "$(in_bash vpnrun --strict demo -- ls alon)" alone.conf 'bash: behind the VPN, the command'"'"'s own words'
is "$(in_bash vpnrun --with-nothing --stri)" --strict 'bash: an option'
is "$(in_bash vpnctl up nothing)" '' 'bash: nothing where there is nothing'

in_zsh() { # LINE...
	# A terminal, a real line editor, and what each line is after the tabulator key.
	# shellcheck disable=SC2016 # of zsh
	timeout 60 zsh -f -c '
		wait_for() { until [[ -e $1 ]]; do sleep 0.02; zpty -r -t shell >/dev/null; done; }
		zmodload zsh/zpty
		zpty -b shell zsh -f -i
		zpty -w shell "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; try() { zle complete-word; print -r -- \"\$BUFFER\" >line.new; mv line.new line; zle kill-buffer; }; zle -N try; bindkey \"^I\" try; PS1=; : >ready"
		wait_for ready
		for line in "${@:2}"; do
			zpty -w -n shell "$line"$'"'\\t'"'
			wait_for line
			cat line
			rm line
		done
		zpty -d shell' - "$here/contrib/completion" "$@" </dev/null 2>/dev/null | sed 's/ *$//'
	rm -f ready line
}
if command -v zsh >/dev/null; then
	mapfile -t became < <(in_zsh 'vpnctl resta' 'vpnctl up oth' 'vpnctl import al' 'vpnrun --strict demo ls al' 'vpnrun --stri' \
		'vpnctl up nothing')
	is "${became[0]}" 'vpnctl restart' 'zsh: a command'
	is "${became[1]}" 'vpnctl up other' 'zsh: a VPN'
	is "${became[2]}" 'vpnctl import alone.conf' 'zsh: a file'
	is "${became[3]}" 'vpnrun --strict demo ls alone.conf' 'zsh: behind the VPN, the command'"'"'s own words'
	is "${became[4]}" 'vpnrun --strict' 'zsh: an option'
	is "${became[5]}" 'vpnctl up nothing' 'zsh: nothing where there is nothing'
else
	skip 'zsh is not installed' 'zsh'
fi

in_fish() { timeout 60 fish --no-config -c "source '$here/contrib/completion/vpnrun.fish'; complete -C '$*'" </dev/null 2>/dev/null | cut -f1 | xargs; }
if command -v fish >/dev/null; then
	is "$(in_fish 'vpnctl resta')" restart 'fish: a command'
	is "$(in_fish 'vpnctl up oth')" other 'fish: a VPN'
	is "$(in_fish 'vpnctl import al')" alone.conf 'fish: a file'
	is "$(in_fish 'vpnrun --strict demo ls al')" alone.conf 'fish: behind the VPN, the command'"'"'s own words'
	is "$(in_fish 'vpnrun --stri')" --strict 'fish: an option'
	is "$(in_fish 'vpnctl up nothing')" '' 'fish: nothing where there is nothing'
else
	skip 'fish is not installed' 'fish'
fi
finish
