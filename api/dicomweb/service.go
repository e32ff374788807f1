// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"net/http"
	"runtime"
	"strings"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/audit"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
)

// Prefix is where the service is, in the paths of its requests.
const Prefix = "/dicom-web"

// Source names the transport by which instances come here.
const Source = "stow"

// The transactions, as logs, metrics and the policy of roles name them.
const (
	transactionStore             = "/DICOMweb/Store"
	transactionSearch            = "/DICOMweb/Search"
	transactionRetrieveInstances = "/DICOMweb/RetrieveInstances"
	transactionRetrieveMetadata  = "/DICOMweb/RetrieveMetadata"
	transactionRetrieveBulkdata  = "/DICOMweb/RetrieveBulkdata"
	transactionRetrieveFrames    = "/DICOMweb/RetrieveFrames"
	transactionRetrieveRendered  = "/DICOMweb/RetrieveRendered"
)

// Config is what a service is made of.
type Config struct {
	Store  *store.Store
	Ingest *ingest.Ingest

	// Limits of one store request.
	MaxInstances int
	MaxBytes     int64 // as they are sent, and as they are when inflated

	// PublicURL is what callers put before [Prefix] to reach the service, such as
	// https://pacs.example.org/endplate; empty: what they say that they called.
	PublicURL string

	// Coerced says that instances are stored otherwise than they come.
	Coerced bool

	// Around makes a handler of a transaction: it authorizes the call, counts and logs
	// it, and tells the caller of an error by [Refuse]. Store requests are streams.
	Around func(transaction string, stream bool, handle Handler) http.Handler
}

// Handler answers a request. It returns an error instead of an answer, or in the
// middle of one, which then is broken off.
type Handler func(w http.ResponseWriter, r *http.Request) error

// service answers requests.
type service struct {
	Config
	decoding chan struct{} // holds a token for each frame at work
}

// New returns the handler of the requests below [Prefix].
func New(config Config) http.Handler {
	s := &service{Config: config, decoding: make(chan struct{}, runtime.GOMAXPROCS(0))}
	mux := http.NewServeMux()
	handle := func(pattern, transaction string, h Handler) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+Prefix+path, config.Around(transaction, transaction == transactionStore, checked(h)))
	}
	const (
		study    = "/studies/{study}"
		series   = study + "/series/{series}"
		instance = series + "/instances/{instance}"
		frames   = instance + "/frames/{frames}"
	)
	handle("POST /studies", transactionStore, s.store)
	handle("POST "+study, transactionStore, s.store)

	handle("GET /studies", transactionSearch, s.search(store.StudyLevel))
	handle("GET /series", transactionSearch, s.search(store.SeriesLevel))
	handle("GET /instances", transactionSearch, s.search(store.InstanceLevel))
	handle("GET "+study+"/series", transactionSearch, s.search(store.SeriesLevel))
	handle("GET "+study+"/instances", transactionSearch, s.search(store.InstanceLevel))
	handle("GET "+series+"/instances", transactionSearch, s.search(store.InstanceLevel))

	for _, resource := range []string{study, series, instance} {
		handle("GET "+resource, transactionRetrieveInstances, s.retrieve)
		handle("GET "+resource+"/metadata", transactionRetrieveMetadata, s.metadata)
		handle("GET "+resource+"/rendered", transactionRetrieveRendered, s.rendered)
		handle("GET "+resource+"/thumbnail", transactionRetrieveRendered, s.thumbnail)
	}
	handle("GET "+instance+"/bulkdata/{path...}", transactionRetrieveBulkdata, s.bulkdata)
	handle("GET "+frames, transactionRetrieveFrames, s.frames)
	handle("GET "+frames+"/rendered", transactionRetrieveRendered, s.rendered)
	handle("GET "+frames+"/thumbnail", transactionRetrieveRendered, s.thumbnail)

	mux.HandleFunc("GET "+Prefix+"/{$}", capabilities)
	mux.HandleFunc("OPTIONS "+Prefix+"/", capabilities)
	mux.HandleFunc("GET "+Prefix+"/", http.NotFound)
	return mux
}

// checked refuses paths with what is no UID, and notes for the audit what the request
// is about.
func checked(next Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		for _, name := range []string{"study", "series", "instance"} {
			if uid := r.PathValue(name); uid != "" && dicom.ValidUID(uid) == "" {
				return fault.New(fault.Invalid, fault.InvalidField, "the path holds what is no UID").WithField(name, "no UID")
			}
		}
		audit.Note(r.Context(), r.PathValue("study"), r.PathValue("series"))
		return next(w, r)
	}
}

// baseURL returns the URL of the service: the one that the configuration names, or else
// that by which the caller reached it. Behind a proxy that changes host, path or scheme
// only the configuration knows: what X-Forwarded-Host says, anybody can say.
func (s *service) baseURL(r *http.Request) string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/") + Prefix
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + Prefix
}

func studyURL(base, study string) string { return base + "/studies/" + study }

func seriesURL(base, study, series string) string {
	return studyURL(base, study) + "/series/" + series
}

func instanceURL(base string, i store.Instance) string {
	return seriesURL(base, i.StudyInstanceUID, i.SeriesInstanceUID) + "/instances/" + i.SOPInstanceUID
}
