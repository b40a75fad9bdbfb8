import { RENDERED } from '../render/rendered-file.ts';
import { type ContentFile, type ContentUnit, plainFile, script } from './part.ts';

const SCRIPT = '/usr/local/sbin/psa-rabbitmq-orphans';
const SERVICE = 'psa-rabbitmq-orphans.service';
const TIMER = 'psa-rabbitmq-orphans.timer';
/** What is found, a queue on each line; empty or not there while nothing is. */
const FOUND = '/run/psa-rabbitmq-orphans/found';

/**
 * The answer of RabbitMQ 3.10 to a declaration that took too long: the record of the quorum queue is taken back, its
 * Raft servers, which may come up still, are not. Each later declaration then fails with "cluster_not_formed", for
 * ever. So a timer looks for servers without a record, names them when it sees them again, and removes them when it
 * sees them a third time.
 *
 * It asks within the broker, through a program of Erlang's own: 5 ms, where rabbitmqctl takes two seconds of a core. A
 * declaration writes the record first, so a queue that is being made has one. One broker alone acts, the first of
 * those that run, and only while it sees all: most of the members run, see each other and have their tables.
 */
const LOOK = `
% Looks that come sooner after another count as one with it.
Pause = $pause * 1000,
All = mnesia:system_info(db_nodes),
Up = lists:sort(mnesia:system_info(running_db_nodes)),
% What all of them answer; one that does not ends the look.
Ask = fun(Module, Function, Arguments) ->
  [begin {ok, Value} = Answer, Value end || Answer <- erpc:multicall(Up, Module, Function, Arguments, 5000)]
end,
SeesAll = length(Up) * 2 > length(All)
  % A release that keeps its records elsewhere (Khepri) would show none, and each queue would be an orphan.
  andalso lists:all(fun({ok, Version}) -> lists:prefix("$release.", Version) end, Ask(application, get_key, [rabbit, vsn]))
  andalso lists:all(fun(Runs) -> Runs end, Ask(rabbit, is_running, []))
  andalso lists:all(fun(Others) -> lists:sort(Others) =:= Up end, Ask(mnesia, system_info, [running_db_nodes]))
  andalso lists:all(fun(Parts) -> Parts =:= [] end, Ask(rabbit_node_monitor, partitions, [])),
Records = fun() ->
  Everything = amqqueue:pattern_match_all(),
  [Queue || Table <- [rabbit_queue, rabbit_durable_queue],
    Rows <- Ask(mnesia, dirty_match_object, [Table, Everything]), Queue <- Rows]
end,
Named = fun(Name, Queues) -> [Queue || Queue <- Queues, {Server, _} <- [amqqueue:get_pid(Queue)], Server =:= Name] end,
{Orphans, Recorded} = case SeesAll andalso hd(Up) =:= node() of
  false -> {[], []};
  true ->
    Servers = lists:zip(Up, Ask(ra_directory, list_registered, [quorum_queues])),
    Queues = Records(),
    lists:partition(fun({_, Name, _}) -> Named(Name, Queues) =:= [] end,
      [{Node, Name, Id} || {Node, Registered} <- Servers, {Name, Id} <- Registered])
end,
Now = erlang:monotonic_time(millisecond),
Before = application:get_env(rabbit, psa_orphans, #{}),
% Who tries to declare such a queue gives it a record until that fails: a look meanwhile counts nothing and forgets nothing.
Tried = maps:filter(fun(Server, {_, Last}) -> lists:member(Server, Recorded) andalso Now - Last < 10 * Pause end, Before),
Seen = maps:from_list([{Orphan, case maps:find(Orphan, Before) of
  error -> {1, Now};
  {ok, {Looks, Last}} when Now - Last >= Pause -> {Looks + 1, Now};
  {ok, Same} -> Same
end} || Orphan <- Orphans]),
Known = maps:merge(Tried, Seen),
application:set_env(rabbit, psa_orphans, Known),
Show = fun(Name) ->
  case string:prefix(atom_to_list(Name), "%2F_") of nomatch -> atom_to_list(Name); Queue -> Queue end
end,
% A queue that was declared meanwhile may lack the server that was just taken away.
GiveBack = fun(Node, Name) ->
  [erpc:call(Node, rabbit_quorum_queue, recover, [<<>>, [Queue]], 5000) || Queue <- lists:usort(Named(Name, Records())),
    lists:member(Node, maps:get(nodes, amqqueue:get_type_state(Queue), []))]
end,
Remove = fun({Node, Name, Id}) ->
  case {Named(Name, Records()), erpc:call(Node, ra_directory, uid_of, [quorum_queues, Name], 5000)} of
    {[], Id} ->
      Result = ra:force_delete_server(quorum_queues, {Name, Node}),
      GiveBack(Node, Name),
      io:format("removed ~ts on ~ts: ~0p~n", [Show(Name), Node, Result]),
      Result =:= ok;
    _ -> true
  end
end,
Again = [{Orphan, Looks} || {Orphan, {Looks, _}} <- lists:sort(maps:to_list(Known)), Looks >= 2],
Left = [Name || {{_, Name, _} = Orphan, Looks} <- Again,
  Looks < 3 orelse maps:is_key(Orphan, Tried) orelse not Remove(Orphan)],
[io:format("found ~ts~n", [Show(Name)]) || Name <- lists:usort(Left)],
ok.
`;

const TEXT = `#!/bin/sh
# ${RENDERED}
# Removes what RabbitMQ left behind of quorum queues whose declaration took too long, so that they can be declared.
# PSA_ROOT, PSA_BROKER, PSA_PAUSE and PSA_RELEASE are for tests.
set -eu
found=\${PSA_ROOT:-}${FOUND}
pause=\${PSA_PAUSE:-20}
release=\${PSA_RELEASE:-3.10}

touch "$found"
said=$(erl_call -address "\${PSA_BROKER:-127.0.0.1:25672}" -h psa-orphans -timeout 60 -fetch_stdout -e 2>/dev/null <<LOOK
${LOOK}LOOK
) || said=
case $said in
*"{ok, ok}") ;;
# A broker that does not run is told of by others.
'') rm -f "$found"; exit 0 ;;
*) rm -f "$found"; echo "Unable to look: $said" >&2; exit 0 ;;
esac
echo "$said" | sed -n 's/^removed /Removed the Raft server without a record of queue /p'
echo "$said" | sed -n 's/^found //p' >"$found.new"
# Those of the last look have been named.
grep -vxFf "$found" "$found.new" 2>/dev/null | sed 's/^/Seen twice, a queue that has Raft servers and no record, so nobody can declare it: /'
mv -f "$found.new" "$found"
`;

const UNIT = `# ${RENDERED}
[Unit]
Description=Remove what is left of quorum queues that could not be declared
After=rabbitmq-server.service

[Service]
Type=oneshot
User=rabbitmq
RuntimeDirectory=psa-rabbitmq-orphans
RuntimeDirectoryPreserve=yes
TimeoutStartSec=90s
ExecStart=${SCRIPT}
# What it does is logged, not that it has looked.
SyslogLevel=notice
LogLevelMax=notice
`;

const EACH = `# ${RENDERED}
[Unit]
Description=Look for quorum queues that cannot be declared

[Timer]
OnActiveSec=30s
OnUnitInactiveSec=30s
AccuracySec=1s

[Install]
WantedBy=timers.target
`;

export const orphansFiles: readonly ContentFile[] = [
  script(SCRIPT, TEXT),
  plainFile(`/etc/systemd/system/${SERVICE}`, UNIT),
  plainFile(`/etc/systemd/system/${TIMER}`, EACH),
];

export const orphansUnit: ContentUnit = { name: TIMER, onChange: 'restart', paths: [] };

/** Prints a line for each that was seen twice. */
export const orphansProbe = `sed 's/^/orphan /' ${FOUND}`;

/** The queues in an answer to the probe. */
export const orphansIn = (text: string): readonly string[] =>
  [...text.matchAll(/^orphan (.+)$/gm)].map(([, queue]) => queue!);
