//go:build wasip1

package sandglass

import (
	"runtime"
	"unsafe"
)

// The canonical names and signatures of wit/job.wit; docs/core-module-abi.md explains them. A pointer of the host's is
// 32 bits wide, and Go's are 64.

//go:wasmimport sandglass:job/this-run@0.1.0 job
func thisRunJob(ret pointer)

//go:wasmimport sandglass:job/this-run@0.1.0 run-id
func thisRunRunID(ret pointer)

//go:wasmimport sandglass:job/this-run@0.1.0 attempt
func thisRunAttempt() uint32

//go:wasmimport sandglass:job/this-run@0.1.0 trigger
func thisRunTrigger(ret pointer)

//go:wasmimport sandglass:job/this-run@0.1.0 scheduled-for
func thisRunScheduledFor() int64

//go:wasmimport sandglass:job/this-run@0.1.0 last-success
func thisRunLastSuccess(ret pointer)

//go:wasmimport sandglass:job/this-run@0.1.0 now
func thisRunNow() int64

//go:wasmimport sandglass:job/this-run@0.1.0 deadline
func thisRunDeadline() int64

//go:wasmimport sandglass:job/this-run@0.1.0 setting
func thisRunSetting(name pointer, nameLen uint32, ret pointer)

//go:wasmimport sandglass:job/this-run@0.1.0 progress
func thisRunProgress(ret pointer)

//go:wasmimport sandglass:job/this-run@0.1.0 checkpoint
func thisRunCheckpoint(some uint32, text pointer, textLen uint32)

//go:wasmimport sandglass:job/log@0.1.0 write
func logWrite(level uint32, text pointer, textLen uint32)

//go:wasmimport sandglass:job/table@0.1.0 open
func tableOpen(name pointer, nameLen uint32, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.insert
func tableInsert(table uint32, fields pointer, fieldsLen uint32, some uint32, id pointer, idLen uint32, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.get
func tableGet(table uint32, id pointer, idLen uint32, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.update
func tableUpdate(table uint32, id pointer, idLen uint32, fields pointer, fieldsLen uint32, some uint32, version uint64, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.put
func tablePut(table uint32, id pointer, idLen uint32, fields pointer, fieldsLen uint32, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.delete
func tableDelete(table uint32, id pointer, idLen uint32, some uint32, version uint64, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.query
func tableQuery(table uint32, filter pointer, filterLen uint32, order pointer, orderLen uint32, limit uint32, some uint32, cursor pointer, cursorLen uint32, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.count
func tableCount(table uint32, filter pointer, filterLen uint32, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [method]table.delete-where
func tableDeleteWhere(table uint32, filter pointer, filterLen uint32, limit uint32, ret pointer)

//go:wasmimport sandglass:job/table@0.1.0 [resource-drop]table
func tableDrop(table uint32)

//go:wasmimport sandglass:job/email@0.1.0 send
func emailSend(message pointer, ret pointer)

//go:wasmimport sandglass:job/http@0.1.0 send
func httpSend(method pointer, methodLen uint32, url pointer, urlLen uint32, headers pointer, headersLen uint32, hasBody uint32, body pointer, bodyLen uint32, hasTimeout uint32, timeoutMs uint32, ret pointer)

//go:wasmimport sandglass:job/secret@0.1.0 get
func secretGet(name pointer, nameLen uint32, ret pointer)

//go:wasmexport cabi_realloc
func cabiRealloc(old pointer, oldLen, align, size uint32) pointer {
	if size == 0 {
		return pointer(uintptr(align))
	}
	words := make([]uint64, (size+7)/8)
	place := pointer(&words[0])
	bytes := unsafe.Slice((*byte)(place), size)
	if oldLen > 0 {
		copy(bytes, unsafe.Slice((*byte)(old), oldLen))
		delete(handed, uint32(uintptr(old)))
	}
	handed[uint32(uintptr(place))] = bytes
	return place
}

// What run returned last: the host reads it afterwards.
var (
	answer     *area
	answerText string
)

//go:wasmexport sandglass:job/run@0.1.0#run
func run(some uint32, place uint32, size uint32) pointer {
	var input *string
	if some != 0 {
		text := take(place, size)
		input = &text
	}
	result, failure := attempt(input)
	answer = newArea()
	if failure != nil {
		answerText = failure.Message
		answer.setU8(0, 1)
		if failure.Retry {
			answer.setU8(4, 1)
		}
	} else {
		answerText = result
		if result != "" {
			answer.setU8(4, 1)
		}
	}
	at, length := data(answerText)
	answer.setU32(8, uint32(uintptr(at)))
	answer.setU32(12, length)
	runtime.KeepAlive(answerText)
	return pointer(answer)
}
