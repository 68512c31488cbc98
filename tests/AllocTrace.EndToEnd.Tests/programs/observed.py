"""Runs random_stacks.py while something watches every call, line or instruction. usage: observed.py profile|trace|monitoring|coverage SEED OUTPUT"""
import runpy
import sys
import threading

mode, program = sys.argv.pop(1), __file__.replace("observed.py", "random_stacks.py")
seen = 0


def watch(*event):
    global seen
    seen += 1
    bytes(100 + seen % 7)  # observers allocate too


def watch_frames(frame, event, argument):
    watch(frame, event)
    if mode == "trace":
        frame.f_trace_opcodes = seen % 5 == 0
    return watch_frames


if mode == "profile":
    threading.setprofile(watch_frames)
    sys.setprofile(watch_frames)
elif mode == "trace":
    threading.settrace(watch_frames)
    sys.settrace(watch_frames)
elif mode == "monitoring":
    monitoring, events = sys.monitoring, sys.monitoring.events
    monitoring.use_tool_id(3, "observed")
    wanted = events.PY_START | events.PY_RETURN | events.PY_YIELD | events.CALL | events.LINE | events.INSTRUCTION | events.RAISE
    for event in (events.PY_START, events.PY_RETURN, events.PY_YIELD, events.CALL, events.LINE, events.INSTRUCTION, events.RAISE):
        monitoring.register_callback(3, event, watch)
    monitoring.set_events(3, wanted)
else:
    import coverage
    measured = coverage.Coverage(data_file=None)
    measured.start()
runpy.run_path(program, run_name="__main__")
if mode == "coverage":
    measured.stop()
    seen = len(measured.get_data().lines(program))
assert seen > 100, seen
