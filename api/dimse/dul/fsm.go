// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

// State is a state of the protocol machine. PS3.8 section 9.2.1.
type State uint8

// The states.
const (
	_     State = iota
	Sta1        // idle
	Sta2        // transport connection open, awaiting A-ASSOCIATE-RQ
	Sta3        // awaiting the user's A-ASSOCIATE response
	Sta4        // awaiting the transport connection to open
	Sta5        // awaiting A-ASSOCIATE-AC or A-ASSOCIATE-RJ
	Sta6        // association established, ready for data
	Sta7        // awaiting A-RELEASE-RP
	Sta8        // awaiting the user's A-RELEASE response
	Sta9        // release collision, requestor: awaiting the user's A-RELEASE response
	Sta10       // release collision, acceptor: awaiting A-RELEASE-RP
	Sta11       // release collision, requestor: awaiting A-RELEASE-RP
	Sta12       // release collision, acceptor: awaiting the user's A-RELEASE response
	Sta13       // awaiting the transport connection to close
	states
)

// Event is what happens to the protocol machine. PS3.8 table 9-10.
type Event uint8

// The events.
const (
	_     Event = iota
	Evt1        // A-ASSOCIATE request
	Evt2        // transport connection confirmed
	Evt3        // A-ASSOCIATE-AC received
	Evt4        // A-ASSOCIATE-RJ received
	Evt5        // transport connection indicated
	Evt6        // A-ASSOCIATE-RQ received
	Evt7        // A-ASSOCIATE response, accept
	Evt8        // A-ASSOCIATE response, reject
	Evt9        // P-DATA request
	Evt10       // P-DATA-TF received
	Evt11       // A-RELEASE request
	Evt12       // A-RELEASE-RQ received
	Evt13       // A-RELEASE-RP received
	Evt14       // A-RELEASE response
	Evt15       // A-ABORT request
	Evt16       // A-ABORT received
	Evt17       // transport connection closed
	Evt18       // ARTIM timer expired
	Evt19       // unrecognized or invalid PDU received
	events
)

// Action is what the protocol machine does about an event. PS3.8 tables 9-6 to 9-9.
type Action uint8

// The actions; 0 is none, for events that cannot happen in a state.
const (
	_ Action = iota
	AE1
	AE2
	AE3
	AE4
	AE5
	AE6
	AE7
	AE8
	DT1
	DT2
	AR1
	AR2
	AR3
	AR4
	AR5
	AR6
	AR7
	AR8
	AR9
	AR10
	AA1
	AA2
	AA3
	AA4
	AA5
	AA6
	AA7
	AA8
	actions
)

// artim is what an action does to the ARTIM timer.
type artim uint8

const (
	keep artim = iota
	start
	stop
)

// effect is what an action does beside what it indicates to the user.
type effect struct {
	send  byte // type of the PDU that is sent; 0: none
	artim artim
	close bool // the transport connection
	next  State
}

// effects holds what PS3.8 tables 9-6 to 9-9 say of the actions. Of AE-6 it is what
// follows if the request is acceptable, of AR-8 what follows for the requestor.
var effects = [actions]effect{
	AE1: {next: Sta4},
	AE2: {send: typeAssociateRQ, next: Sta5},
	AE3: {next: Sta6},
	AE4: {close: true, next: Sta1},
	AE5: {artim: start, next: Sta2},
	AE6: {artim: stop, next: Sta3},
	AE7: {send: typeAssociateAC, next: Sta6},
	AE8: {send: typeAssociateRJ, artim: start, next: Sta13},

	DT1: {send: typeData, next: Sta6},
	DT2: {next: Sta6},

	AR1:  {send: typeReleaseRQ, next: Sta7},
	AR2:  {next: Sta8},
	AR3:  {close: true, next: Sta1},
	AR4:  {send: typeReleaseRP, artim: start, next: Sta13},
	AR5:  {artim: stop, next: Sta1},
	AR6:  {next: Sta7},
	AR7:  {send: typeData, next: Sta8},
	AR8:  {next: Sta9},
	AR9:  {send: typeReleaseRP, next: Sta11},
	AR10: {next: Sta12},

	AA1: {send: typeAbort, artim: start, next: Sta13},
	AA2: {artim: stop, close: true, next: Sta1},
	AA3: {close: true, next: Sta1},
	AA4: {next: Sta1},
	AA5: {artim: stop, next: Sta1},
	AA6: {next: Sta13},
	AA7: {send: typeAbort, next: Sta13},
	AA8: {send: typeAbort, artim: start, next: Sta13},
}

// transitions is PS3.8 table 9-10. The column of Sta1 holds but what opens.
var transitions = [events][states]Action{
	Evt1:  {Sta1: AE1},
	Evt2:  {Sta4: AE2},
	Evt3:  {Sta2: AA1, Sta3: AA8, Sta5: AE3, Sta6: AA8, Sta7: AA8, Sta8: AA8, Sta9: AA8, Sta10: AA8, Sta11: AA8, Sta12: AA8, Sta13: AA6},
	Evt4:  {Sta2: AA1, Sta3: AA8, Sta5: AE4, Sta6: AA8, Sta7: AA8, Sta8: AA8, Sta9: AA8, Sta10: AA8, Sta11: AA8, Sta12: AA8, Sta13: AA6},
	Evt5:  {Sta1: AE5},
	Evt6:  {Sta2: AE6, Sta3: AA8, Sta5: AA8, Sta6: AA8, Sta7: AA8, Sta8: AA8, Sta9: AA8, Sta10: AA8, Sta11: AA8, Sta12: AA8, Sta13: AA7},
	Evt7:  {Sta3: AE7},
	Evt8:  {Sta3: AE8},
	Evt9:  {Sta6: DT1, Sta8: AR7},
	Evt10: {Sta2: AA1, Sta3: AA8, Sta5: AA8, Sta6: DT2, Sta7: AR6, Sta8: AA8, Sta9: AA8, Sta10: AA8, Sta11: AA8, Sta12: AA8, Sta13: AA6},
	Evt11: {Sta6: AR1},
	Evt12: {Sta2: AA1, Sta3: AA8, Sta5: AA8, Sta6: AR2, Sta7: AR8, Sta8: AA8, Sta9: AA8, Sta10: AA8, Sta11: AA8, Sta12: AA8, Sta13: AA6},
	Evt13: {Sta2: AA1, Sta3: AA8, Sta5: AA8, Sta6: AA8, Sta7: AR3, Sta8: AA8, Sta9: AA8, Sta10: AR10, Sta11: AR3, Sta12: AA8, Sta13: AA6},
	Evt14: {Sta8: AR4, Sta9: AR9, Sta12: AR4},
	Evt15: {Sta3: AA1, Sta4: AA2, Sta5: AA1, Sta6: AA1, Sta7: AA1, Sta8: AA1, Sta9: AA1, Sta10: AA1, Sta11: AA1, Sta12: AA1},
	Evt16: {Sta2: AA2, Sta3: AA3, Sta5: AA3, Sta6: AA3, Sta7: AA3, Sta8: AA3, Sta9: AA3, Sta10: AA3, Sta11: AA3, Sta12: AA3, Sta13: AA2},
	Evt17: {Sta2: AA5, Sta3: AA4, Sta4: AA4, Sta5: AA4, Sta6: AA4, Sta7: AA4, Sta8: AA4, Sta9: AA4, Sta10: AA4, Sta11: AA4, Sta12: AA4, Sta13: AR5},
	Evt18: {Sta2: AA2, Sta13: AA2},
	Evt19: {Sta2: AA1, Sta3: AA8, Sta5: AA8, Sta6: AA8, Sta7: AA8, Sta8: AA8, Sta9: AA8, Sta10: AA8, Sta11: AA8, Sta12: AA8, Sta13: AA7},
}

// act returns the action that an event asks for in a state, and the state that
// follows; the action is 0 if the event cannot happen there.
func act(s State, e Event, requestor bool) (Action, State) {
	a := transitions[e][s]
	next := effects[a].next
	if a == AR8 && !requestor {
		next = Sta10
	}
	return a, next
}

// received returns the event that the arrival of a PDU type is.
func received(pdu byte) Event {
	switch pdu {
	case typeAssociateRQ:
		return Evt6
	case typeAssociateAC:
		return Evt3
	case typeAssociateRJ:
		return Evt4
	case typeData:
		return Evt10
	case typeReleaseRQ:
		return Evt12
	case typeReleaseRP:
		return Evt13
	case typeAbort:
		return Evt16
	}
	return Evt19
}
