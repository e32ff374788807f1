// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// treatFlags are the flags of endplate phantom treat.
type treatFlags struct {
	phantomFlags

	level, loss, fracture string
	superiorShare         float64
	restore, cement       string
	only                  string
	shift, turn           string
	still                 bool
	postSpacing, postBlur float64
	injury                string
	days                  int
	quiet                 bool
}

// The stages of a treatment, which are also the names of their folders.
var stageNames = []string{"before", "fractured", "treated"}

func newTreatCommand() *cobra.Command {
	var flags treatFlags
	cmd := &cobra.Command{
		Use:   "treat [CT] --out DIR",
		Short: "Write one patient before a fracture, after it, and treated, with the truth",
		Long: `Write the CT of one patient before a fracture, with it, and after its treatment, as
DICOM series in the folders before, fractured and treated of DIR, and truth.json with
what a perfect reader would measure in each and what was done.

The patient is the CT series named, or a synthetic one as endplate phantom makes it.
In a CT a smooth deformation of space lowers the heights of one vertebral body by what
--loss or --fracture says, bends the spine above it and leaves what lies below in its
place; its points are those that endplate measure finds, and their mapped places the
truth. Treatment gives part of the lost heights back and may add cement. The patient
lies a little differently each time, unless --still.

Flags of the synthetic patient and its scan do not go with a CT. All series have new
UIDs, one made patient and the dates of three examinations.`,
		Example: `  endplate phantom treat ct/ --out v1 --level L1 --loss 40,25,5 --restore 60 --cement 3.5
  endplate phantom treat ct/ --out v2 --fracture L2=crush:40 --restore 50,70,50 --post-spacing 3 --only fractured,treated
  endplate phantom treat --out v3 --levels T10-L4 --spacing 1 --fracture L1=biconcave:45 --cement 4:canal --seed 7`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("treat takes one CT, and there are %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return treat(cmd, args, &flags)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder to write to")
	f.StringVar(&flags.level, "level", "", "level to fracture; without it the whole intact one nearest to the thoracolumbar junction")
	f.StringVar(&flags.loss, "loss", "", "ANTERIOR,MIDDLE,POSTERIOR: percent of the heights that are lost, 0 to 80")
	f.StringVar(&flags.fracture, "fracture", "", "[LEVEL=]wedge|biconcave|crush:PERCENT instead of --level and --loss (default wedge:40)")
	f.Float64Var(&flags.superiorShare, "superior-share", 0.75, "part of the loss that the superior endplate bears, 0 to 1")
	f.StringVar(&flags.restore, "restore", "60", "PERCENT of the lost heights that treatment gives back, or ANTERIOR,MIDDLE,POSTERIOR")
	f.StringVar(&flags.cement, "cement", "", "ML[:PLACE,…] of cement, 0.1 to 20, with a leak to each of the places:\ncanal, foramen, paravertebral, superior-disc, inferior-disc")
	f.StringVar(&flags.only, "only", strings.Join(stageNames, ","), "series to write")
	f.StringVar(&flags.shift, "shift", "", "X,Y,Z mm (left, posterior, superior) that the treated patient lies elsewhere; without it drawn")
	f.StringVar(&flags.turn, "turn", "", "X,Y,Z degrees about the same axes that the treated patient is turned; without it drawn")
	f.BoolVar(&flags.still, "still", false, "the patient lies the same in all")
	f.Float64Var(&flags.postSpacing, "post-spacing", 0, "distance and width of the treated patient's slices, mm; 0 is that of the others")
	f.Float64Var(&flags.postBlur, "post-blur", 0, "sigma of a Gaussian that softens the treated patient's slices, mm, 0 to 3; of a CT only")
	f.StringVar(&flags.injury, "injury", "20200115", "date of the injury, YYYYMMDD: the fractured spine is seen on this day, the intact one a year before")
	f.IntVar(&flags.days, "days", 7, "days from the injury to the examination after treatment, 1 to 3650")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "no progress on standard error")
	flags.register(f, "cement")
	return cmd
}

func treat(cmd *cobra.Command, args []string, flags *treatFlags) error {
	plan, err := flags.plan()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		if flags.postBlur != 0 {
			return usagef("--post-blur goes with a CT")
		}
		return plan.run(cmd.Context(), cmd.ErrOrStderr(), &madePatient{flags: flags, plan: plan})
	}
	ofMade := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(phantomFlags).register(ofMade, "cement")
	ofMade.VisitAll(func(f *pflag.Flag) {
		if f.Name != "seed" && cmd.Flags().Changed(f.Name) {
			err = usagef("--%s goes with a synthetic patient, and %s is a CT", f.Name, args[0])
		}
	})
	if err != nil {
		return err
	}
	return plan.run(cmd.Context(), cmd.ErrOrStderr(), &imagedPatient{path: args[0], plan: plan})
}

// treatPlan is what treatFlags ask for.
type treatPlan struct {
	out       string
	level     spine.Level // Unknown: to be chosen
	deformity phantom.Deformity
	restored  [3]float64 // shares, by warp.Height
	cement    float64    // ml
	leaks     []phantom.LeakPlace
	seed      uint64
	only      []string
	spacing   float64 // of the treated patient's slices, mm; 0 as before
	blur      float64
	injury    time.Time
	days      int
	still     bool
	shift     *r3.Vec // nil: drawn
	turn      *r3.Vec
	quiet     bool
}

// plan checks the flags.
func (flags *treatFlags) plan() (*treatPlan, error) {
	p := &treatPlan{out: flags.out, seed: flags.seed, still: flags.still, quiet: flags.quiet, spacing: flags.postSpacing, blur: flags.postBlur, days: flags.days}
	var err error
	switch {
	case flags.out == "":
		return nil, usagef("treat needs --out")
	case !(flags.postSpacing == 0 || flags.postSpacing >= 0.1 && flags.postSpacing <= 20):
		return nil, usagef("--post-spacing %g: want 0.1 to 20", flags.postSpacing)
	case !(flags.postBlur >= 0 && flags.postBlur <= 3):
		return nil, usagef("--post-blur %g: want 0 to 3", flags.postBlur)
	case flags.days < 1 || flags.days > 3650:
		return nil, usagef("--days %d: want 1 to 3650", flags.days)
	case !(flags.superiorShare >= 0 && flags.superiorShare <= 1):
		return nil, usagef("--superior-share %g: want 0 to 1", flags.superiorShare)
	}
	if p.injury, err = time.Parse("20060102", flags.injury); err != nil {
		return nil, usagef("--injury %s: want YYYYMMDD", flags.injury)
	}
	if err := flags.planFracture(p); err != nil {
		return nil, err
	}
	restored, err := parseThree(flags.restore, 0, 100, "percent")
	if err != nil {
		return nil, usagef("--restore %s: %w", flags.restore, err)
	}
	for i, r := range restored {
		p.restored[i] = r / 100
	}
	if flags.cement != "" {
		if p.cement, p.leaks, err = parseCementAmount(flags.cement); err != nil {
			return nil, usagef("--cement %s: %w", flags.cement, formOf(err, "3.5 or 3.5:canal"))
		}
	}
	if p.shift, err = parseVector(flags.shift, 100, "mm"); err != nil {
		return nil, usagef("--shift %s: %w", flags.shift, err)
	}
	if p.turn, err = parseVector(flags.turn, 30, "degrees"); err != nil {
		return nil, usagef("--turn %s: %w", flags.turn, err)
	}
	if p.still && (p.shift != nil || p.turn != nil) {
		return nil, usagef("--still does not go with --shift and --turn")
	}
	return p, p.choose(flags.only)
}

// planFracture sets level and deformity.
func (flags *treatFlags) planFracture(p *treatPlan) error {
	level := flags.level
	fracture := flags.fracture
	if fracture != "" && flags.loss != "" {
		return usagef("--loss and --fracture do not go together")
	}
	if name, rest, ok := strings.Cut(fracture, "="); ok {
		if level != "" && !strings.EqualFold(level, name) {
			return usagef("--level %s and --fracture %s name two levels", level, fracture)
		}
		level, fracture = name, rest
	}
	if level != "" {
		l, err := spine.ParseLevel(strings.ToUpper(strings.TrimSpace(level)))
		if err != nil {
			return usagef("--level: %w", err)
		}
		if l < spine.C2+1 || l == spine.S1 {
			return usagef("%v cannot be fractured", l)
		}
		p.level = l
	}
	if flags.loss != "" {
		loss, err := parseThree(flags.loss, 0, 80, "percent")
		if err != nil {
			return usagef("--loss %s: %w", flags.loss, err)
		}
		p.deformity = deformityOf(loss)
	} else {
		if fracture == "" {
			fracture = "wedge:40"
		}
		shape, percent, ok := strings.Cut(fracture, ":")
		kind, err := parseShape(shape)
		if err == nil && !ok {
			err = errors.New("want SHAPE:PERCENT, such as wedge:30")
		}
		if err != nil {
			return usagef("--fracture %s: %w", flags.fracture, err)
		}
		loss, err := parseAmount(percent, 0, 80, "percent")
		if err != nil {
			return usagef("--fracture %s: %w", flags.fracture, formOf(err, "L1=wedge:40"))
		}
		p.deformity = phantom.Fracture(kind, loss)
	}
	p.deformity.SuperiorShare = flags.superiorShare
	return nil
}

// deformityOf returns the deformity with the given losses, percent, of the shape of
// the height that lost most: crush where the others lost nearly as much.
func deformityOf(loss [3]float64) phantom.Deformity {
	const nearly = 0.8
	worst := slices.Max(loss[:])
	shape := phantom.Wedge
	switch {
	case worst == 0:
		shape = phantom.NoDeformity
	case slices.Min(loss[:]) >= nearly*worst:
		shape = phantom.Crush
	case loss[warp.Middle] == worst:
		shape = phantom.Biconcave
	}
	d := phantom.Fracture(shape, worst)
	d.Anterior, d.Middle, d.Posterior = loss[0]/100, loss[1]/100, loss[2]/100
	return d
}

// choose sets which series are written.
func (p *treatPlan) choose(only string) error {
	for name := range strings.SplitSeq(only, ",") {
		if name = strings.TrimSpace(name); !slices.Contains(stageNames, name) {
			return usagef("--only %s: %q: want %s", only, name, strings.Join(stageNames, ", "))
		}
		p.only = append(p.only, name)
	}
	return nil
}

// formOf says of what is not of the form wanted what is.
func formOf(err error, example string) error {
	if errors.Is(err, errForm) {
		return fmt.Errorf("want such as %s", example)
	}
	return err
}

// parseThree parses one number or three of the given range.
func parseThree(s string, low, high float64, unit string) (three [3]float64, err error) {
	parts := strings.Split(s, ",")
	if len(parts) == 1 {
		parts = []string{s, s, s}
	}
	if len(parts) != 3 {
		return three, errors.New("want ANTERIOR,MIDDLE,POSTERIOR")
	}
	for i, part := range parts {
		if three[i], err = parseAmount(strings.TrimSpace(part), low, high, unit); err != nil {
			return three, formOf(err, "40,25,5")
		}
	}
	return three, nil
}

// parseVector parses X,Y,Z, each at most the given amount; nil from nothing.
func parseVector(s string, most float64, unit string) (*r3.Vec, error) {
	if s == "" {
		return nil, nil
	}
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return nil, errors.New("want X,Y,Z")
	}
	var x [3]float64
	for i, part := range parts {
		var err error
		if x[i], err = parseAmount(strings.TrimSpace(part), -most, most, unit); err != nil {
			return nil, formOf(err, "5,-3,10")
		}
	}
	return &r3.Vec{X: x[0], Y: x[1], Z: x[2]}, nil
}

// motion returns how the patient lies in a stage, turned about center: as before, as
// the flags say, or drawn.
func (p *treatPlan) motion(stage string, center r3.Vec) warp.Motion {
	m := warp.Motion{Center: center}
	i := slices.Index(stageNames, stage)
	if i == 0 || p.still {
		return m
	}
	const shift, turn = 8, 1.5 // standard deviations between two examinations, mm and degrees
	rng := rand.New(rand.NewPCG(p.seed, 1<<32+uint64(i)))
	draw := func(sd float64) r3.Vec {
		return r3.Scale(sd, r3.Vec{X: rng.NormFloat64(), Y: rng.NormFloat64(), Z: rng.NormFloat64()})
	}
	m.Shift, m.Turn = draw(shift), draw(turn)
	if stage == "treated" && p.shift != nil {
		m.Shift = *p.shift
	}
	if stage == "treated" && p.turn != nil {
		m.Turn = *p.turn
	}
	return m
}

// date returns the date of a stage, as DICOM writes it.
func (p *treatPlan) date(stage string) string {
	t := p.injury
	switch stage {
	case "before":
		t = t.AddDate(-1, 0, 0)
	case "treated":
		t = t.AddDate(0, 0, p.days)
	}
	return t.Format("20060102")
}

// patient is who is fractured and treated.
type patient interface {
	// prepare makes ready and returns the level that is fractured and a text that
	// names the patient and all that is done.
	prepare(ctx context.Context, p *progress) (level spine.Level, identity string, err error)
	// stage returns the image of a stage and what tells its truth once it is written.
	stage(ctx context.Context, name string) (*volume.Volume, func(dicom.UIDs) truthAnalysis, error)
}

// run writes the series of a patient and the truth.
func (p *treatPlan) run(ctx context.Context, stderr io.Writer, who patient) error {
	told := newProgress(stderr, p.quiet)
	defer told.end()
	level, identity, err := who.prepare(ctx, told)
	if err != nil {
		return err
	}
	truth := treatTruth{Treatment: p.truth(level)}
	for _, name := range stageNames {
		if !slices.Contains(p.only, name) {
			continue
		}
		told.printlive("%s: making", name)
		vol, tell, err := who.stage(ctx, name)
		if err != nil {
			return err
		}
		dir := filepath.Join(p.out, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		uids, err := writeSeries(ctx, dir, vol, p.series(name, level, identity, vol))
		if err != nil {
			return err
		}
		a := tell(uids)
		a.Stage = name
		truth.Analyses = append(truth.Analyses, a)
		told.printf("%s: %d slices", dir, vol.Slices)
	}
	truth.summarize(level)
	return writeTruth(p.out, truth)
}

// series names the series of a stage.
func (p *treatPlan) series(stage string, level spine.Level, identity string, vol *volume.Volume) dicom.SyntheticCT {
	return dicom.SyntheticCT{
		Study: identity + " " + stage, FrameOfReference: identity + " " + stage,
		PatientID:   "VIRTUAL-" + digest(identity),
		Description: fmt.Sprintf("%v %s %s mm", level, stage, strconv.FormatFloat(r3.Norm(vol.Slice), 'g', 4, 64)),
		Number:      1, Date: p.date(stage),
	}
}
