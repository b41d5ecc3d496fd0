# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks of throughput share: programs that stay while others are measured, and one flow by iperf3.
package Programs;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use Time::HiRes qw(time sleep);

our @EXPORT = qw(installed start stop await_port iperf);
my %running;

sub installed {
	my ($program, @also) = @_;
	my ($path) = grep { -x } map { "$_/$program" } split(/:/, $ENV{PATH}), @also;
	return $path;
}

# A program that stays, until stop() or the end.
sub start {
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec @_ or exit 127;
	}
	return $running{$pid} = $pid;
}

# Those, or all of them.
sub stop {
	for (@_ ? @_ : keys %running) {
		kill 'TERM', $_;
		waitpid $_, 0;
		delete $running{$_};
	}
}

END {
	my $status = $?;
	stop();
	$? = $status;
}

# Until somebody listens on the port, in the namespace of that process.
sub await_port {
	my ($port, $pid) = @_;
	my $end = time + 20;

	while (time < $end) {
		return if `nsenter --net=/proc/$pid/ns/net ss -Hltn 'sport = :$port' 2>/dev/null` =~ /./;
		sleep 0.02;
	}
	die "nobody listens on port $port\n";
}

# A function that measures one flow; the command before it says where from.
sub iperf {
	my ($port, $address, $streams, $seconds, @as) = @_;

	return sub {
		my ($json, $end_of_tries) = ('', time + 10);

		# The server has perhaps not noticed that the last one is over.
		do {
			sleep 0.1 if $json;
			$json = `@as iperf3 -J -A 0,1 -c $address -p $port -t $seconds -P $streams`;
		} while $json =~ /server is busy/ && time < $end_of_tries;
		my $end = eval { decode_json($json)->{end} } // {};
		my $bits = $end->{sum_received}{bits_per_second} or die "@as: no flow to port $port: $json\n";
		my $percent = $end->{cpu_utilization_percent};

		return ('Mbit/s' => $bits / 1e6, 'ns/KiB' =>
			($percent->{host_total} + $percent->{remote_total}) / 100 * 1e9 * 8 * 1024 / $bits);
	};
}

1;
