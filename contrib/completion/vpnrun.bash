# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bash completion for vpnrun(1) and vpnctl(8). What there is to say, `vpnctl complete` says, by its own table of
# commands: nothing here knows one.

# Everything from word $1 on is a command line of its own.
_vpnrun_command() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	else
		mapfile -t COMPREPLY < <(compgen -A command -A file -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

_vpnrun_add() { # the lines of standard input that begin as the last word does
	local line
	while IFS= read -r line; do
		[[ $line != "$cur"* ]] || COMPREPLY+=("$line")
	done
}

_vpnrun() {
	local cur=${COMP_WORDS[COMP_CWORD]} word _
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		case $word in
		'@line '*)
			_vpnrun_command $((${word#@line } + 1))
			return
			;;
		@files)
			compopt -o filenames 2>/dev/null
			_vpnrun_add < <(compgen -f -- "$cur")
			;;
		@commands) _vpnrun_add < <(compgen -A command -- "$cur" | sort -u) ;;
		@users) _vpnrun_add < <(compgen -u -- "$cur") ;;
		@pids) _vpnrun_add < <(cd /proc && printf '%s\n' [0-9]*) ;;
		@units) _vpnrun_add < <(systemctl list-unit-files --type=service --no-legend 2>/dev/null | cut -d' ' -f1) ;;
		*) _vpnrun_add <<<"$word" ;;
		esac
	done < <(vpnctl complete "${COMP_WORDS[0]##*/}" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

complete -F _vpnrun vpnrun vpnctl
