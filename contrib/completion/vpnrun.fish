# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for vpnrun(1) and vpnctl(8). What there is to say, `vpnctl complete` says, by its own table of
# commands: nothing here knows one.

function __vpnrun_complete
	set -l words (commandline -opc)
	set -l now (commandline -ct)
	set -l program (string replace -r '.*/' '' -- $words[1])
	vpnctl complete $program $words[2..-1] "$now" 2>/dev/null | while read -l line
		switch $line
			case '@line *'
				set -l first (math (string sub -s 7 -- $line) + 2)
				set -l rest (string escape -- $words[$first..-1]) $now
				complete -C (string join ' ' -- $rest)
			case @files
				__fish_complete_path $now
			case @commands
				__fish_complete_command
			case @users
				__fish_complete_users
			case @pids
				__fish_complete_pids
			case @units
				systemctl list-unit-files --type=service --no-legend 2>/dev/null | string replace -r ' .*' ''
			case '*'
				echo $line
		end
	end
end

complete -c vpnrun -f -a '(__vpnrun_complete)'
complete -c vpnctl -f -a '(__vpnrun_complete)'
