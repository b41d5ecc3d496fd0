# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bash completion for vpnrun(1) and vpnctl(8).

# Every VPN that is configured or running, without asking anybody.
_vpnrun_names() {
	local f
	for f in /etc/vpnrun/*.json; do
		[[ -e $f ]] && f=${f##*/} && printf '%s\n' "${f%.json}"
	done
	for f in /run/vpnrun/*; do
		[[ -f $f && ${f##*/} != *.* ]] && printf '%s\n' "${f##*/}"
	done
}

_vpnrun_policies() {
	local bin dir f
	bin=$(type -P vpnrun)
	for dir in /etc/vpnrun/policy "${bin%/bin/*}/lib/vpnrun/policy"; do
		for f in "$dir"/*.bpf; do
			[[ -e $f ]] && f=${f##*/} && printf '%s\n' "${f%.bpf}"
		done
	done
	echo none
}

_vpnrun_reply() { # _vpnrun_reply WORDS CURRENT
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2" | sort -u)
}

# Everything from word $1 on is a command line of its own.
_vpnrun_command() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	else
		mapfile -t COMPREPLY < <(compgen -A command -A file -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

_vpnrun() {
	local cur=${COMP_WORDS[COMP_CWORD]} word i vpn=
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--)
			_vpnrun_command $((i + 1))
			return
			;;
		--with)
			vpn=$word
			((i++))
			;;
		--policy | --dns | --allow | --keep-fd | --socket | --user | -p | --publish | --reach | -e | --expose) ((i++)) ;;
		-?*) ;;
		*)
			if [[ $vpn ]]; then
				_vpnrun_command "$i"
				return
			fi
			vpn=$word
			;;
		esac
	done
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--policy) _vpnrun_reply "$(_vpnrun_policies)" "$cur" && return ;;
	--user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") && return ;;
	--with) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur") && return ;;
	--allow) [[ $cur != /* ]] && _vpnrun_reply 'wayland x11 sound bus' "$cur" && return ;;&
	--allow | --socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-e | --expose) _vpnrun_reply natpmp "$cur" && return ;;
	--dns | --keep-fd | -p | --publish | --reach) return ;;
	esac
	if [[ $cur == -* ]]; then
		_vpnrun_reply '--dns --policy --strict --allow --keep-fd --publish --reach --expose --with --allow-running --as-root --notify --user --socket --verbose --help --version --' "$cur"
	elif [[ $vpn ]]; then
		_vpnrun_command "$COMP_CWORD"
	else
		_vpnrun_reply "$(_vpnrun_names) default none host" "$cur"
	fi
}

_vpnctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} options=
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_vpnrun_reply 'up down restart hold plan default status list kick publish import check policy confine release oci ip leak-test allowed-ips wrap unwrap --help --version' "$cur"
		return
	fi
	case ${COMP_WORDS[1]} in
	up | restart) options=--no-wait ;;
	down) options=--force ;;
	hold) options=--off ;;
	default) options='--strict --url --no-ip' ;;
	status | list | check) options=--json ;;
	plan) options="--json --nft" ;;
	kick) options='--uid --pid' ;;
	import) options='--name --id --up --no-wait' ;;
	allowed-ips) options=--minus ;;
	leak-test) options='--cut --pid --json' ;;
	wrap) options='--vpn --policy' ;;
	ip) options='--expect --url --timeout --json -4 -6' ;;
	confine) options='--vpn --keep-bus --on-demand' ;;
	esac
	if [[ $cur == -* ]]; then
		_vpnrun_reply "$options" "$cur"
		return
	fi
	case ${COMP_WORDS[1]} in
	publish) ((COMP_CWORD > 2)) || _vpnrun_reply "$(_vpnrun_names)" "$cur" ;;
	wrap | unwrap)
		case $prev in
		--vpn) _vpnrun_reply "$(_vpnrun_names) default none" "$cur" ;;
		--policy) _vpnrun_reply "$(_vpnrun_policies)" "$cur" ;;
		*) mapfile -t COMPREPLY < <(compgen -A command -- "$cur") ;;
		esac
		;;
	default) [[ $prev == --url ]] || _vpnrun_reply "$(_vpnrun_names) none" "$cur" ;;
	up | down | restart | hold | plan | status | kick | ip | leak-test)
		[[ $prev == --uid || $prev == --pid || $prev == --expect || $prev == --url || $prev == --timeout ]] || _vpnrun_reply "$(_vpnrun_names)" "$cur"
		;;
	confine | release)
		if [[ $prev == --vpn ]]; then
			_vpnrun_reply "$(_vpnrun_names)" "$cur"
		else
			_vpnrun_reply "$(systemctl list-unit-files --type=service --no-legend 2>/dev/null | cut -d' ' -f1)" "$cur"
		fi
		;;
	import | check)
		compopt -o filenames 2>/dev/null
		[[ $prev == --name || $prev == --id ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	oci)
		if ((COMP_CWORD == 2)); then
			_vpnrun_reply 'enable disable status' "$cur"
		elif [ "${COMP_WORDS[2]}" = enable ]; then
			_vpnrun_reply --images "$cur"
		fi ;;
	policy)
		if ((COMP_CWORD == 2)); then
			_vpnrun_reply 'check install list show' "$cur"
		elif [[ ${COMP_WORDS[2]} == show ]]; then
			_vpnrun_reply "$(_vpnrun_policies)" "$cur"
		else
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	esac
}

complete -F _vpnrun vpnrun
complete -F _vpnctl vpnctl
