/* object_layout.c: prints the row of AllocTrace/Objects/Layouts/layouts.txt for the CPython whose headers it is compiled with.
 *
 * gcc -DPy_BUILD_CORE -I$include -I$include/internal -I$include/internal/mimalloc object_layout.c && ./a.out
 *
 * "member=offset", or "member=offset@position" where _Py_DebugOffsets (3.13 and later) publishes the same fact at that position. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdio.h>
#include "frameobject.h"
#if PY_VERSION_HEX >= 0x03090000
#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#else
#include "internal/pycore_pystate.h"
#endif
#include "internal/pycore_object.h"
#if PY_VERSION_HEX >= 0x030B0000
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#endif
#if PY_VERSION_HEX >= 0x030D0000
#include "internal/pycore_runtime.h"
#endif
#if PY_VERSION_HEX >= 0x030E0000
#include "internal/pycore_interpframe.h"
#endif

#define NUMBER(name, value) printf(" " name "=%ld", (long)(value))
#define OFFSET(name, type, member) NUMBER(name, offsetof(type, member))
#if PY_VERSION_HEX >= 0x030D0000
#define PUBLISHED(name, type, member, place)                                                                                               \
    printf(" " name "=%ld@%ld", (long)offsetof(type, member), (long)offsetof(struct _Py_DebugOffsets, place))
#else
#define PUBLISHED(name, type, member, place) OFFSET(name, type, member)
#endif

static void objects(void)
{
    NUMBER("object.bytes", sizeof(PyObject));
    OFFSET("object.type", PyObject, ob_type);
#ifdef Py_GIL_DISABLED
    OFFSET("object.count", PyObject, ob_ref_local);
    OFFSET("object.shared_count", PyObject, ob_ref_shared);
    NUMBER("gc.bytes", 0);
#else
    OFFSET("object.count", PyObject, ob_refcnt);
    NUMBER("object.shared_count", 0);
    NUMBER("gc.bytes", sizeof(PyGC_Head));
#endif
    OFFSET("object.size", PyVarObject, ob_size);
    PUBLISHED("type.name", PyTypeObject, tp_name, type_object.tp_name);
    OFFSET("type.basic", PyTypeObject, tp_basicsize);
    OFFSET("type.item", PyTypeObject, tp_itemsize);
    PUBLISHED("type.flags", PyTypeObject, tp_flags, type_object.tp_flags);
    OFFSET("type.weak_list", PyTypeObject, tp_weaklistoffset);
    OFFSET("type.members", PyTypeObject, tp_members);
    OFFSET("type.base", PyTypeObject, tp_base);
    OFFSET("type.dict", PyTypeObject, tp_dict);
    OFFSET("type.dict_offset", PyTypeObject, tp_dictoffset);
    OFFSET("type.bases", PyTypeObject, tp_bases);
    OFFSET("type.mro", PyTypeObject, tp_mro);
    OFFSET("type.subclasses", PyTypeObject, tp_subclasses);
    NUMBER("type.bytes", sizeof(PyTypeObject));
    OFFSET("heap_type.name", PyHeapTypeObject, ht_name);
    OFFSET("heap_type.slots", PyHeapTypeObject, ht_slots);
    OFFSET("heap_type.qualname", PyHeapTypeObject, ht_qualname);
    OFFSET("heap_type.cached_keys", PyHeapTypeObject, ht_cached_keys);
    NUMBER("heap_type.bytes", sizeof(PyHeapTypeObject));
}

static void containers(void)
{
    PUBLISHED("list.items", PyListObject, ob_item, list_object.ob_item);
    PUBLISHED("tuple.items", PyTupleObject, ob_item, tuple_object.ob_item);
    OFFSET("dict.used", PyDictObject, ma_used);
    PUBLISHED("dict.keys", PyDictObject, ma_keys, dict_object.ma_keys);
    PUBLISHED("dict.values", PyDictObject, ma_values, dict_object.ma_values);
    OFFSET("set.mask", PySetObject, mask);
    OFFSET("set.table", PySetObject, table);
    OFFSET("set.small", PySetObject, smalltable);
    NUMBER("set.bytes", sizeof(PySetObject));
    OFFSET("bytearray.data", PyByteArrayObject, ob_bytes);
#if PY_VERSION_HEX >= 0x030B0000
    OFFSET("keys.index_bytes", struct _dictkeysobject, dk_log2_index_bytes);
    OFFSET("keys.kind", struct _dictkeysobject, dk_kind);
    OFFSET("keys.entries", struct _dictkeysobject, dk_nentries);
    OFFSET("keys.indices", struct _dictkeysobject, dk_indices);
    OFFSET("values.first", struct _dictvalues, values);
#else
    /* Objects/dict-common.h, which is not installed: refcnt, size, lookup, usable, nentries, indices. */
    NUMBER("keys.index_bytes", 0);
    NUMBER("keys.kind", 0);
    NUMBER("keys.entries", 4 * sizeof(void *));
    NUMBER("keys.indices", 5 * sizeof(void *));
    NUMBER("values.first", 0);
#endif
    OFFSET("memoryview.owner", PyMemoryViewObject, view.obj);
    OFFSET("weakref.object", PyWeakReference, wr_object);
    OFFSET("weakref.callback", PyWeakReference, wr_callback);
    OFFSET("weakref.previous", PyWeakReference, wr_prev);
    OFFSET("weakref.next", PyWeakReference, wr_next);
    OFFSET("cell.content", PyCellObject, ob_ref);
    OFFSET("exception.dict", PyBaseExceptionObject, dict);
    OFFSET("exception.args", PyBaseExceptionObject, args);
    OFFSET("exception.traceback", PyBaseExceptionObject, traceback);
    OFFSET("exception.context", PyBaseExceptionObject, context);
    OFFSET("exception.cause", PyBaseExceptionObject, cause);
    OFFSET("traceback.next", PyTracebackObject, tb_next);
    OFFSET("traceback.frame", PyTracebackObject, tb_frame);
#if PY_VERSION_HEX >= 0x030C0000
    OFFSET("int.tag", PyLongObject, long_value.lv_tag);
    OFFSET("int.digits", PyLongObject, long_value.ob_digit);
#else
    NUMBER("int.tag", 0);
    OFFSET("int.digits", PyLongObject, ob_digit);
#endif
}

static void code(void)
{
    OFFSET("function.code", PyFunctionObject, func_code);
    OFFSET("function.globals", PyFunctionObject, func_globals);
    OFFSET("function.name", PyFunctionObject, func_name);
    OFFSET("function.qualname", PyFunctionObject, func_qualname);
    OFFSET("function.defaults", PyFunctionObject, func_defaults);
    OFFSET("function.keyword_defaults", PyFunctionObject, func_kwdefaults);
    OFFSET("function.closure", PyFunctionObject, func_closure);
    OFFSET("function.doc", PyFunctionObject, func_doc);
    OFFSET("function.dict", PyFunctionObject, func_dict);
    OFFSET("function.module", PyFunctionObject, func_module);
    OFFSET("function.annotations", PyFunctionObject, func_annotations);
    OFFSET("method.function", PyMethodObject, im_func);
    OFFSET("method.self", PyMethodObject, im_self);
    OFFSET("code.constants", PyCodeObject, co_consts);
    OFFSET("code.names", PyCodeObject, co_names);
    OFFSET("code.locals", PyCodeObject, co_nlocals);
#if PY_VERSION_HEX >= 0x030B0000
    OFFSET("generator.frame", PyGenObject, gi_iframe);
    OFFSET("code.all_names", PyCodeObject, co_localsplusnames);
    OFFSET("code.all_locals", PyCodeObject, co_nlocalsplus);
    OFFSET("frame_object.frame", PyFrameObject, f_frame);
    OFFSET("frame_object.data", PyFrameObject, _f_frame_data);
    OFFSET("frame.locals_dict", struct _PyInterpreterFrame, f_locals);
    OFFSET("frame.object", struct _PyInterpreterFrame, frame_obj);
    OFFSET("frame.locals", struct _PyInterpreterFrame, localsplus);
    NUMBER("frame.bytes", sizeof(struct _PyInterpreterFrame));
#else
    OFFSET("generator.frame", PyGenObject, gi_frame);
    OFFSET("code.variable_names", PyCodeObject, co_varnames);
    OFFSET("code.cell_names", PyCodeObject, co_cellvars);
    OFFSET("code.free_names", PyCodeObject, co_freevars);
    OFFSET("frame.locals_dict", PyFrameObject, f_locals);
    OFFSET("frame.stack", PyFrameObject, f_valuestack);
    OFFSET("frame.trace", PyFrameObject, f_trace);
    OFFSET("frame.locals", PyFrameObject, f_localsplus);
#endif
#if PY_VERSION_HEX >= 0x030C0000
    OFFSET("frame.function", struct _PyInterpreterFrame, f_funcobj);
#elif PY_VERSION_HEX >= 0x030B0000
    OFFSET("frame.function", struct _PyInterpreterFrame, f_func);
#endif
#if PY_VERSION_HEX >= 0x030E0000
    OFFSET("frame.top", struct _PyInterpreterFrame, stackpointer);
#elif PY_VERSION_HEX >= 0x030B0000
    OFFSET("frame.top", struct _PyInterpreterFrame, stacktop);
#elif PY_VERSION_HEX >= 0x030A0000
    OFFSET("frame.top", PyFrameObject, f_stackdepth);
#else
    OFFSET("frame.top", PyFrameObject, f_stacktop);
#endif
}

static void state(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    PUBLISHED("interpreter.modules", PyInterpreterState, imports.modules, interpreter_state.imports_modules);
#elif PY_VERSION_HEX >= 0x030C0000
    OFFSET("interpreter.modules", PyInterpreterState, imports.modules);
#else
    OFFSET("interpreter.modules", PyInterpreterState, modules);
#endif
    OFFSET("thread_state.dict", PyThreadState, dict);
}

int main(void)
{
#ifdef Py_GIL_DISABLED
    printf("3_%dt minor=%d free_threaded=1", PY_MINOR_VERSION, PY_MINOR_VERSION);
#else
    printf("3_%d minor=%d free_threaded=0", PY_MINOR_VERSION, PY_MINOR_VERSION);
#endif
    objects();
    containers();
    code();
    state();
    printf("\n");
    return 0;
}
