# Talks with a relay by the client that OpenAPI::Client makes of the contract, and prints what came of it, as `talk.ts` does.
# Each answer is compared with the contract by that library too.
use strict;
use warnings;
use Mojo::IOLoop;
use Mojo::JSON qw(encode_json false true);
use Mojo::URL;
use OpenAPI::Client;

my ($document, $url, $bearer) = @ARGV;
my $relay = OpenAPI::Client->new("file://$document");
$relay->base_url(Mojo::URL->new($url));
$relay->ua->on(start => sub { $_[1]->req->headers->authorization("Bearer $bearer") });

my %routes = map { ($_->{operation_id} => [lc $_->{method}, $_->{path}]) } $relay->validator->routes->each;
my $messages = [{role => 'user', content => 'Why is the sky blue?'}];
my @said;

# The answer to an operation, which has to be what the contract says.
sub answer {
  my ($operation, $tx) = @_;
  my ($code, $json) = ($tx->res->code, $tx->res->json);
  die "$operation: ", $tx->res->error->{message} unless defined $code;
  my @faults = $relay->validator->validate_response(
    [@{$routes{$operation}}, $code],
    {
      body   => sub { {accept => 'application/json', content_type => 'application/json', exists => 1, value => $json} },
      header => sub { {exists => defined $tx->res->headers->header($_[0]), value => $tx->res->headers->header($_[0])} },
    }
  );
  die "$operation $code: @faults" if @faults;
  return ($code, $json);
}

sub asked {
  my ($operation, @arguments) = @_;
  return answer($operation, $relay->$operation(@arguments));
}

my ($code, $whole) = asked(ask => {}, json => {id => 'pl-1', action => 'chat', messages => $messages});
push @said, ['ask', $whole->{id}, length $whole->{content} > 0 ? true : false, $whole->{stopReason}, $whole->{usage}{source}];
(undef, my $report) = asked('usage');
push @said, ['usage', $report->{plan}];
(undef, my $page) = asked(listStreams => {limit => 10});
push @said, ['list', $page->{streams}[0]{id}, $page->{next}];
(undef, my $state) = asked(stateOfStream => {id => 'pl-1'});
push @said, ['state', $state->{state}];

my $stopped;
my $stalled = $relay->ask_p({}, json => {id => 'pl-2', action => 'chat', messages => $messages, model => 'sim:stall'});
$stalled->then(sub { $stopped = shift });
# What waits for its answer goes on while the loop turns, and the loop turns while it has a timer.
my $timer = Mojo::IOLoop->recurring(0.02 => sub { });
my ($status, $live) = (0);
until ($status == 200 && $live->{head} >= 5) {
  Mojo::IOLoop->one_tick;
  ($status, $live) = asked(stateOfStream => {id => 'pl-2'});
}
push @said, ['state', $live->{state}];
(undef, my $ending) = asked(cancelStream => {id => 'pl-2'});
push @said, ['cancel', $ending->{type}, $ending->{usage}{source}];
Mojo::IOLoop->one_tick until defined $stopped;
Mojo::IOLoop->remove($timer);
(undef, $whole) = answer(ask => $stopped);
push @said, ['ask', $whole->{id}, true, $whole->{stopReason}, $whole->{usage}{source}];

my ($refusal, $refused) = asked(ask => {}, json => {action => 'none', messages => $messages});
push @said, ['error', 0 + $refusal, $refused->{error}{code}, $refused->{error}{retryable}];
my ($absence, $unknown) = asked(stateOfStream => {id => 'pl-3'});
push @said, ['error', 0 + $absence, $unknown->{error}{code}, $unknown->{error}{retryable}];

print encode_json(\@said);
