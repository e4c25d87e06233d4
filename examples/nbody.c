// The Sun and the four giant planets under gravity: doubles and square roots.
// Argument: the number of time steps (default 60).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_COUNT = 5 };

static const double solar_mass = 4 * 3.141592653589793 * 3.141592653589793;
static const double days_per_year = 365.24;

struct body {
  double position[3], velocity[3], mass;
};

// Positions in astronomical units, velocities in units a day, masses of the Sun (J2000, JPL).
static struct body bodies[BODY_COUNT] = {
    {{0, 0, 0}, {0, 0, 0}, 1},
    {{4.84143144246472090, -1.16032004402742839, -0.103622044471123109},
     {0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023},
     0.000954791938424326609},
    {{8.34336671824457987, 4.12479856412430479, -0.403523417114321381},
     {-0.00276742510726411, 0.00499852801234917238, 0.0000230417297573763929},
     0.000285885980666130812},
    {{12.8943695621391310, -15.1111514016986312, -0.223307578892655734},
     {0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556},
     0.0000436624404335156298},
    {{15.3796971148509165, -25.9193146099879641, 0.179258772950371181},
     {0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870},
     0.0000515138902046611451},
};

static void prepare(void) {
  double momentum[3] = {0, 0, 0};
  for (int i = 0; i < BODY_COUNT; i++) {
    bodies[i].mass *= solar_mass;
    for (int axis = 0; axis < 3; axis++) {
      bodies[i].velocity[axis] *= days_per_year;
      momentum[axis] += bodies[i].velocity[axis] * bodies[i].mass;
    }
  }
  for (int axis = 0; axis < 3; axis++)
    bodies[0].velocity[axis] = -momentum[axis] / solar_mass;
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < BODY_COUNT; i++) {
    const struct body *a = &bodies[i];
    double square = 0;
    for (int axis = 0; axis < 3; axis++)
      square += a->velocity[axis] * a->velocity[axis];
    sum += 0.5 * a->mass * square;
    for (int j = i + 1; j < BODY_COUNT; j++) {
      const struct body *b = &bodies[j];
      double distance = 0;
      for (int axis = 0; axis < 3; axis++) {
        double delta = a->position[axis] - b->position[axis];
        distance += delta * delta;
      }
      sum -= a->mass * b->mass / sqrt(distance);
    }
  }
  return sum;
}

static void advance(double step) {
  for (int i = 0; i < BODY_COUNT; i++)
    for (int j = i + 1; j < BODY_COUNT; j++) {
      struct body *a = &bodies[i], *b = &bodies[j];
      double x = a->position[0] - b->position[0];
      double y = a->position[1] - b->position[1];
      double z = a->position[2] - b->position[2];
      double square = x * x + y * y + z * z;
      double magnitude = step / (square * sqrt(square));
      a->velocity[0] -= x * b->mass * magnitude, b->velocity[0] += x * a->mass * magnitude;
      a->velocity[1] -= y * b->mass * magnitude, b->velocity[1] += y * a->mass * magnitude;
      a->velocity[2] -= z * b->mass * magnitude, b->velocity[2] += z * a->mass * magnitude;
    }
  for (int i = 0; i < BODY_COUNT; i++)
    for (int axis = 0; axis < 3; axis++)
      bodies[i].position[axis] += step * bodies[i].velocity[axis];
}

int main(int argc, char **argv) {
  unsigned long steps = argc > 1 ? strtoul(argv[1], NULL, 10) : 60;
  prepare();
  printf("energy before %.9f\n", energy());
  for (unsigned long i = 0; i < steps; i++)
    advance(0.01);
  printf("energy after %lu steps %.9f\n", steps, energy());
  printf("Sun at %.12f %.12f %.12f\n", bodies[0].position[0], bodies[0].position[1],
         bodies[0].position[2]);
  return 0;
}
