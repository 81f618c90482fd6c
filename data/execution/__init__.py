"""Running programs that nobody has read: one at a time, or many through one interpreter that forks.

sandbox.run    one program -> Result
pool.Pool      many small ones, at a few milliseconds each
worker         an isolated interpreter, seen from outside
isolation      its command line: bubblewrap, or a process of its own
server         what that interpreter does
"""
