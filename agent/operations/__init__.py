"""What operators do: each operation is a pure decider and a handler, with a Decision in the same commit as its effect.

The road of an operation: a door (admin, api, mcp, command) makes a typed command and names the operator → `performing`
authorises, before any lock → a short transaction locks the lane → the decider, which does no I/O, says what is to
be done or refuses → effect and Decision are committed at once. A refusal changes nothing and is noted.

    dismiss  retry  pause  redeliver  rebuild  regenerate  restore  cautions  drill  tokens     the operations
    desk  overview  preview  fingerprints  writings  audit  shown                      what operators read
    operator  command  lane  turn                          who acts, what is asked, how a lane and a turn stand
    performing  locking  registering  chain  refusals  problems                        what all of them stand on
"""
