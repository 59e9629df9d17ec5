//go:build !wasip1

package sandglass

// There is no host where a job's package is tested on the machine that it is written on: keep decisions in functions of
// plain values, and test those.

const noHost = "sandglass: there is no host here, only where the job runs"

func thisRunJob(ret pointer)                                      { panic(noHost) }
func thisRunRunID(ret pointer)                                    { panic(noHost) }
func thisRunAttempt() uint32                                      { panic(noHost) }
func thisRunTrigger(ret pointer)                                  { panic(noHost) }
func thisRunScheduledFor() int64                                  { panic(noHost) }
func thisRunLastSuccess(ret pointer)                              { panic(noHost) }
func thisRunNow() int64                                           { panic(noHost) }
func thisRunDeadline() int64                                      { panic(noHost) }
func thisRunSetting(name pointer, nameLen uint32, ret pointer)    { panic(noHost) }
func thisRunProgress(ret pointer)                                 { panic(noHost) }
func thisRunCheckpoint(some uint32, text pointer, textLen uint32) { panic(noHost) }
func logWrite(level uint32, text pointer, textLen uint32)         { panic(noHost) }
func tableOpen(name pointer, nameLen uint32, ret pointer)         { panic(noHost) }
func tableInsert(table uint32, fields pointer, fieldsLen uint32, some uint32, id pointer, idLen uint32, ret pointer) {
	panic(noHost)
}
func tableGet(table uint32, id pointer, idLen uint32, ret pointer) { panic(noHost) }
func tableUpdate(table uint32, id pointer, idLen uint32, fields pointer, fieldsLen uint32, some uint32, version uint64, ret pointer) {
	panic(noHost)
}
func tablePut(table uint32, id pointer, idLen uint32, fields pointer, fieldsLen uint32, ret pointer) {
	panic(noHost)
}
func tableDelete(table uint32, id pointer, idLen uint32, some uint32, version uint64, ret pointer) {
	panic(noHost)
}
func tableQuery(table uint32, filter pointer, filterLen uint32, order pointer, orderLen uint32, limit uint32, some uint32, cursor pointer, cursorLen uint32, ret pointer) {
	panic(noHost)
}
func tableCount(table uint32, filter pointer, filterLen uint32, ret pointer) { panic(noHost) }
func tableDeleteWhere(table uint32, filter pointer, filterLen uint32, limit uint32, ret pointer) {
	panic(noHost)
}
func tableDrop(table uint32)                 { panic(noHost) }
func emailSend(message pointer, ret pointer) { panic(noHost) }
func httpSend(method pointer, methodLen uint32, url pointer, urlLen uint32, headers pointer, headersLen uint32, hasBody uint32, body pointer, bodyLen uint32, hasTimeout uint32, timeoutMs uint32, ret pointer) {
	panic(noHost)
}
func secretGet(name pointer, nameLen uint32, ret pointer) { panic(noHost) }
