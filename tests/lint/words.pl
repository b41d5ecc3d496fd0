#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Plain English in comments and messages, as far as a script can judge it.
#
# A comment that stands on a line of its own begins with a sentence: it has a subject and a finite verb, or it begins
# with the verb ("Returns…", "Opens…"), as the comment of a function may. What names the thing that is declared below it
# ("The descriptor of the uplink's namespace.") is a label and may do without; it must not begin with a word that
# only a clause or a phrase begins with ("Of one in userspace…", "What is connected…").
# A string says "is not a", and not "is no".
#
# usage: words.pl [-l] [-s] FILE...   prints "comments N fragments N strings N is-no N"; -l: and each fragment, -s: and
# each string, as FILE:LINE: text
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

my ($list, $strings) = (0, 0);
while (@ARGV && $ARGV[0] =~ m{^-([ls])$}) {
	$1 eq 'l' ? $list++ : $strings++;
	shift;
}

# Finite whatever stands beside them.
my %finite = map { $_ => 1 } qw(
	is are was were am has have had does do did can cannot could may might must shall should will would need
	isn't aren't wasn't doesn't don't didn't can't won't
	says goes knows comes stays becomes gets gives takes keeps makes needs holds begins asks owns puts finds sees
	waits tells leads looks lives wants reads writes runs returns fails sends reaches lets follows adds refuses
	closes opens adds starts stops stands lies sits exists belongs connects touches decides forgets speaks
	replaces means parses forwards fills allows carries prints serves answers leaves loses lacks judges joins
	hides drops denies copies pays moves brings deletes blocks works lasts shows forbids happens removes
	resolves remains passes enters binds accepts watches shares believes matters covers compiles sets counts
	kills ignores obeys helps harms grows guards hears hands hangs inherits learns leases loads misses meets
	offers overlaps overwrites parts pins plugs pulls reaps rearranges receives redirects registers repairs
	repeats resets respects retries rewrites rounds skips splices splits steps stores succeeds suffices throws
	translates travels treats tries trusts turns unmounts unplugs undoes visits walks wakes wins wipes wonders
	zeroes appears applies appends arrives assumes attaches avoids backs bears bounds calls changes checks
	chooses claims cleans clears collects compares completes confines consumes contains converts costs creates
	crosses cuts depends describes deserves destroys dies differs drops ends executes expects extends falls
	feels finishes fits flushes frees gathers guesses handles includes keeps lists maps marks matches mounts
	names occurs pads permits points prefers promises proves provides queues quotes reacts reports requires
	rests restores reuses rotates routes rules saves scans seems sorts sounds spreads starts stamps supports
	swallows switches takes tests ticks tracks unsets updates uses vanishes verifies warns
	came went saw took gave knew began became grew fell wrote ran lost let said told made got found sent
	wanted asked failed died ended changed happened stayed left
	say go know come stay become get give take keep make hold begin ask own put find see wait tell lead look
	live want read write run return send reach follow refuse belong speak mean believe share count serve
	arrive remain depend exist happen lie sit stand pass work cost differ fail die ignore answer agree forget
	connect listen start stop matter turn lose lack join miss meet appear vanish disappear decide reply allow
	forbid show carry leave call change check use try end set open close drop add bring let
);
# Nouns as well: verbs where an object follows.
my %noun_too = map { $_ => 1 } qw(
	names ends lists rules routes marks checks calls tests counts looks uses turns costs steps parts points
	maps plugs works lies answers changes guards covers asks leases reports supports starts stops runs needs
	hands switches watches reads writes walks tries guesses queues mounts matches cuts backs bounds lets
	say own put find wait look live want read write run return count share pass work cost start stop turn
	answer call change check use try end set open close drop need left made found sent said told lost let
	lead hold wanted asked changed show leave follow
);
my $object = qr{^(?:the|a|an|it|them|him|what|who|whoever|nothing|no|all|its|his|their|every|each|us|this|that|those|these|one|any|
	anything|everything|nobody|to|not|by|in|at|on|from|with|for|into|there|here|again|only|as|up|down|out|away|before|after|when|where|how|
	whether|if|too|so|alone|first|itself|themselves|anyway|like|without|until|\*ret|fn|those|-|–|[0-9]+|-?e[a-z]+|null|true|false|and)$}x;
# What begins a clause that is not the sentence's own.
my $clause = qr{^(?:which|that|who|whose|whom|where|wherever|when|whenever|while|because|since|if|unless|until|as|so|than|what|
	whatever|whoever|how|however|after|before|though|although|whether|like|lest|once)$}x;
# A sentence of these words has its verb behind the clause.
my $opener = qr{^(?:of|what|whatever|who|whoever|whose|which|where|wherever|when|whenever|how|by|for|from|with|without|in|at|on|
	to|as|than|behind|beside|below|above|until|unless|if|since|because|so|after|before|while|that|and|or|but|nor)$}xi;

sub words_of {
	my ($text) = @_;
	return grep { length } map { s/^['"\x{201c}(\[]+|['"\x{201d})\]]+$//gr } split / /, $text;
}

# Whether a finite verb is among these words, at whatever depth.
sub verbs {
	my @w = map { lc } @_;
	my $n = 0;
	for my $i (0 .. $#w) {
		(my $v = $w[$i]) =~ s/[,;:.!?]+$//;
		$v =~ s/^_|_$//g;
		my $stop = $w[$i] =~ m{[,;:.]$};
		# "While we waited": what somebody did.
		my $did = $v =~ m{ed$} && $i && lc($w[$i - 1]) =~ m{^(?:we|it|they|he|who|which|that|nobody)$};
		$n++, next if $did;
		next unless $finite{$v} || $v =~ m{n't$|^(?:he|she|it|we|they)'(?:s|re|ll|d)$};
		next if $noun_too{$v} && $i && !$stop && !(defined $w[$i + 1] && $w[$i + 1] =~ s/[,;:.]+$//r =~ $object);
		next if $noun_too{$v} && $i && $stop && $v !~ m{s$};
		next if $i && $w[$i - 1] =~ m{^(?:the|a|an|its|their|his|our|of|own|to|no|these|those)$} && $v !~ m{^(?:is|are|was|were|has|have|can|must|may)$};
		$n++;
	}
	return $n;
}

# Clauses of a sentence that begin with a word of $clause take one verb each.
sub is_sentence {
	my ($text, $label_ok) = @_;
	my @w = words_of($text);
	return 1 if !@w;
	my $first = lc($w[0] =~ s/[,;:.]+$//r);
	my $clauses = 0;
	for my $i (0 .. $#w) {
		my $c = lc($w[$i] =~ s/[,;:.]+$//r);
		my $next = lc(($w[$i + 1] // '') =~ s/[,;:.]+$//r);
		# "At once", "as a whole", "before us" are no clauses.
		next if $c eq 'so' && $next eq 'that';
		next if $c eq 'once' && $i && lc($w[$i - 1]) eq 'at' || $c =~ m{^(?:as|like)$} && $next =~ m{^(?:a|an|its|root|who|what|data|raw)$}
			|| $c =~ m{^(?:before|after|than|since)$} && $next =~ m{^(?:us|them|him|all|that|[0-9.]+)$};
		$clauses++ if $c =~ $clause && !($c =~ m{^(?:that|so|as|before|after|since|like|until|once|than)$} && !verbs(@w[$i + 1 .. ($i + 9 < $#w ? $i + 9 : $#w)]))
			&& !($c eq 'that' && defined $w[$i + 1] && lc($w[$i + 1]) =~ m{^(?:is|was|has|would|can|cannot|must|may|does|holds|makes)[,.;:]?$} && $i == 0);
	}
	my $verbs = verbs(@w);
	return $verbs > $clauses if $first =~ $opener || !$label_ok;
	return 1;
}

my ($comments, $fragments, $texts, $isno) = (0, 0, 0, 0);

sub first_sentence {
	my ($c) = @_;
	# What is not prose: a line that parts, a picture, code, a format.
	return undef if $c =~ m{^[-=]{2,}} || $c !~ m{[a-z]{2,} [a-z]}i || $c =~ m{[│┌└─]};
	return undef if $c =~ m{^(?:https?:|clang-format|fallthrough)};
	$c =~ s/\b(e\.g|i\.e|cf|vs)\./$1/g;
	$c =~ m{^(.*?[.!?])(?=\s+["(*'`]?[A-Z0-9*-]|\s*$)} and return $1;
	return $c;
}

for my $file (@ARGV) {
	open my $f, '<', $file or die "$file: $!";
	local $/;
	my $t = <$f>;
	while ($t =~ m{(^|\n)([ \t]*)/\*(.*?)\*/[ \t]*(?=\n)(?:\n([^\n]*))?}sg) {
		my ($newline, $indent, $c, $next) = ($1, $2, $3, $4 // '');
		my $line = (substr($t, 0, $-[0]) =~ tr/\n//) + ($newline eq "\n" ? 2 : 1);
		pos($t) = $+[3] + 2;
		$c =~ s/\n[ \t]*\*[ \t]?/ /g;
		$c =~ s/\s+/ /g;
		$c =~ s/^ | $//g;
		next if $c =~ m{SPDX};
		# A header's name and the purpose of what it declares: "See X." leads on.
		$c =~ s/^See [a-z_0-9\/]+\.h[.:;,] ?//;
		my $s = first_sentence($c);
		next if !defined $s;
		$comments++;
		my $is_head = $line <= 3;
		# Inside a function a comment has no thing to name: it says why.
		my $is_label = $indent eq '' || $file =~ m{\.h$} || $next =~ m{^\s+(?:static |const |struct |unsigned |enum |[A-Z_0-9]+[ ,=(]|[a-z_]+ \**[a-z_0-9]+(?:\[[^\]]*\])?;|\{|\.[a-z])};
		next if is_sentence($s, $is_label);
		$fragments++;
		print "$file:$line: $s\n" if $list;
	}
	# Messages and help: what stands between quotes, comments apart.
	$t =~ s{/\*.*?\*/}{$& =~ s/[^\n]//gr}seg;
	my $n = 0;
	for my $l (split /\n/, $t) {
		$n++;
		while ($l =~ m{"((?:[^"\\]|\\.)*)"}g) {
			my $s = $1;
			next unless $s =~ m{[a-z] [a-z]};
			$texts++;
			next unless $s =~ m{\b(?:is|are) no (?!longer|more\b|other)[a-z]} && $s !~ m{\bthere (?:is|are) no\b};
			$isno++;
			print "$file:$n: $s\n" if $strings;
		}
	}
}
printf "comments %d fragments %d strings %d is-no %d\n", $comments, $fragments, $texts, $isno;
