#!/usr/bin/perl
# An ESME over Debian's Net::SMPP. It takes commands as JSON lines on stdin and tells what happens as JSON lines on stdout. Texts are
# turned into octets, and back, by Perl's Encode.
use strict;
use warnings;
use Encode;
use IO::Select;
use JSON::PP;
use Net::SMPP;

$| = 1;
$SIG{PIPE} = 'IGNORE';
my $json = JSON::PP->new->utf8->canonical;
my $smpp;
my $sockets = IO::Select->new(\*STDIN);

sub tell_event { print $json->encode({@_}), "\n" }

# A connection that is not bound yet.
sub connect_to {
    my ($c) = @_;
    $smpp = Net::SMPP->new_connect($c->{host}, port => $c->{port}, async => 1)
        or return tell_event(event => 'failed', text => "connect: $!");
    $sockets->add($smpp);
    tell_event(event => 'connected');
}

# Any request by its name, with the fields that the command gives. What is in hex is octets; a text chooses its data_coding.
sub request {
    my ($c) = @_;
    my %field = %{ $c->{fields} };
    $field{$_} = pack 'H*', $c->{hex}{$_} for keys %{ $c->{hex} || {} };
    if (defined $c->{text}) {
        my ($coding, $octets) = octets_of($c->{text});
        $field{data_coding} = $coding;
        $field{ $c->{into} || (length $octets > 254 ? 'message_payload' : 'short_message') } = $octets;
    }
    my $pdu = $c->{pdu};
    $smpp->$pdu(%field, seq => $c->{seq});
}

sub octets_of {
    my ($text) = @_;
    my $octets = eval { encode('gsm0338', my $copy = $text, Encode::FB_CROAK) };
    return defined $octets ? (0, $octets) : (8, encode('UTF-16BE', $text));
}

sub text_of {
    my ($pdu) = @_;
    my $octets = defined $pdu->{message_payload} ? $pdu->{message_payload} : $pdu->{short_message};
    my %alphabet = (0 => 'gsm0338', 1 => 'ascii', 3 => 'iso-8859-1', 8 => 'UTF-16BE');
    my $name = $alphabet{ $pdu->{data_coding} } or return '(octets) ' . unpack 'H*', $octets;
    return decode($name, $octets);
}

# All that Net::SMPP has decoded; lists are joined, octets are hex.
sub fields_of {
    my ($pdu) = @_;
    my %out;
    for my $name (grep { /^[a-z]/ && !/^(?:data|known_pdu|reserved)$/ } keys %$pdu) {
        my @values = ref $pdu->{$name} ? @{ $pdu->{$name} } : ($pdu->{$name});
        $out{$name} = join ',', map { !defined $_ ? '' : /^[\x20-\x7e]*$/ ? $_ : 'hex:' . unpack 'H*', $_ } @values;
    }
    return \%out;
}

sub heard {
    my $pdu = $smpp->read_pdu();
    if (!$pdu) {
        $sockets->remove($smpp);
        return tell_event(event => 'closed');
    }
    my $name = $pdu->explain_cmd();
    $smpp->enquire_link_resp(seq => $pdu->{seq}) if $name eq 'enquire_link';
    $smpp->unbind_resp(seq => $pdu->{seq}) if $name eq 'unbind';
    $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '') if $name eq 'deliver_sm';
    tell_event(event => 'pdu', pdu => $name, status => $pdu->{status}, seq => $pdu->{seq}, fields => fields_of($pdu),
        $name eq 'deliver_sm' ? (text => text_of($pdu)) : ());
}

my %commands = (connect => \&connect_to, request => \&request, close => sub { exit 0 });

my $lines = '';
while (1) {
    for my $ready ($sockets->can_read()) {
        if ($ready != \*STDIN) {
            heard();
            next;
        }
        sysread STDIN, $lines, 65536, length $lines or exit 0;
        while ($lines =~ s/^(.*)\n//) {
            my $c = $json->decode($1);
            $commands{ $c->{command} }->($c);
        }
    }
}
